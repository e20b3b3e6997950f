"""What images say of components: how well these fit, and their codes."""

import numpy as np
import torch
from numpy.typing import NDArray
from pyro.distributions import Bernoulli, Normal
from torch import Tensor
from torch.distributions import kl_divergence

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.splitting import Encoded

AT_ONCE, NUM_SAMPLES = 100, 5
NUM_STEPS, STEP_SIZE = 100, 0.1


def measure(
    networks: Networks, images: Tensor, means: NDArray[np.floating], seed: int = 0
) -> NDArray[np.floating]:
    """What the images say of components with these means, whose codes share noise."""
    means, generator = (
        torch.from_numpy(means).to(images),
        torch.Generator(images.device),
    )
    generator.manual_seed(seed)
    prior, found = Normal(means.unsqueeze(-2), 1.0).to_event(1), []
    for batch in images.split(AT_ONCE):
        code = networks.encode_code(networks.features(batch), means.unsqueeze(-2))
        shape = NUM_SAMPLES, 1, *code.mean.shape[1:]
        noise = torch.randn(shape, generator=generator, device=images.device)
        pixels = Bernoulli(logits=networks.decode(code.mean + code.stddev * noise))
        log_likelihood = pixels.log_prob(batch).sum(-1).mean(0)
        found.append((log_likelihood - kl_divergence(code, prior)).T)
    return torch.cat(found).double().numpy(force=True)


def explain(
    networks: Networks,
    codes: NDArray[np.floating],
    pixels: NDArray[np.floating],
    counts: NDArray[np.floating],
) -> NDArray[np.floating]:
    """Codes near these of which the decoder makes such mean images, of so many."""
    start, pixels = (torch.from_numpy(x).to(networks.means) for x in (codes, pixels))
    counts = torch.from_numpy(counts).to(start)
    found = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([found], STEP_SIZE)
    for _ in range(NUM_STEPS):
        with torch.enable_grad():
            log_probs = (
                Bernoulli(logits=networks.decode(found), validate_args=False)
                .log_prob(pixels)
                .sum(-1)
            )
            loss = ((found - start) ** 2).sum() / 2 - counts @ log_probs
            (found.grad,) = torch.autograd.grad(loss, found)
        optimizer.step()
    return found.double().numpy(force=True)


def encode(networks: Networks, images: Tensor, components: NDArray) -> Encoded:
    """What the guide says of images, each of one component."""
    features, means = networks.features(images), networks.all_means()[components]
    codes = networks.encode_code(features, means).mean
    arrays = codes, features, networks.scores(features)
    return Encoded(components, *(x.double().numpy(force=True) for x in arrays))
