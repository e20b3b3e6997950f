"""What images say of the components of a mixture, and of their number."""

import numpy as np
import torch
from numpy.typing import NDArray
from pyro.distributions import Bernoulli, Distribution, Normal
from torch import Tensor
from torch.distributions import kl_divergence

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.splitting import Encoded
from examples.dp_mixture_vae.usage import Usage
from examples.dp_mixture_vae.weights_pyro import to_weights
from examples.harness.training_pyro import IMAGES_AT_ONCE
from pyro_igr import num_active

AT_ONCE, NUM_SAMPLES = 100, 5

NUM_STEPS, STEP_SIZE = 100, 0.1


def draw_weights(
    networks: Networks, prior: Distribution, images: Tensor, num_draws: int = 100
) -> tuple[Distribution, Tensor]:
    """The sticks, and weights: of each image, or draws of shared ones."""
    concentration = networks.encode_concentration(prior).mean
    sticks = networks.encode_sticks(networks.features(images), concentration)
    shape = () if networks.options.has_own_weights else (num_draws,)
    return sticks, to_weights(sticks, sticks.rsample(shape))


@torch.no_grad()
def draw_usage(
    networks: Networks, prior: Distribution, images: Tensor, rho: float, num_draws: int
) -> Usage:
    """What the guide says of some images, over so many draws of the weights."""
    parts = [
        _draw_usage(networks, prior, batch, rho, num_draws)
        for batch in images.split(IMAGES_AT_ONCE)
    ]
    return Usage.join([Usage(*(x.numpy(force=True) for x in part)) for part in parts])


def _draw_usage(
    networks: Networks, prior: Distribution, images: Tensor, rho: float, num_draws: int
) -> tuple[Tensor, Tensor, Tensor]:
    features = networks.features(images)
    sticks = networks.encode_sticks(features, networks.encode_concentration(prior).mean)
    weights = to_weights(sticks, sticks.rsample((num_draws,)))
    if not networks.options.has_own_weights:
        weights = weights.unsqueeze(-2)
    probs = networks.encode_component(features, weights).softmax(-1)
    codes = networks.encode_code(features, networks.all_means().unsqueeze(-2)).mean
    code = torch.einsum("nk,knd->nd", probs.mean(0), codes)
    return probs, num_active(weights, rho).expand(probs.shape[:-1]), code


@torch.no_grad()
def wanted_sticks(networks: Networks, prior: Distribution, images: Tensor) -> int:
    """How many sticks keep the overflow rate of draws for these images low.

    Args:
        networks: That have the sticks so far.
        prior: Of the concentration.
        images: For which weights are drawn.
    """
    options = networks.options
    sticks, weights = draw_weights(networks, prior, images)
    return int(sticks.wanted_sticks(weights, options.max_overflow, options.rho))


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
