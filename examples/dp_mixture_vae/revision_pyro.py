"""Which components images use; how these are deleted, split and given sticks."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from pyro.distributions import Bernoulli, Distribution, Normal
from pyro.optim import PyroOptim
from torch import Tensor
from torch.distributions import kl_divergence

from examples.dp_mixture_vae.components import AXES_OF_STICKS, BetaSticks, Judged, judge
from examples.dp_mixture_vae.mixture_pyro import Networks, to_weights
from examples.dp_mixture_vae.report import Usage
from examples.dp_mixture_vae.splitting import Encoded, split
from examples.harness.training_pyro import IMAGES_AT_ONCE
from pyro_igr import grow, num_active, reorder

DRAWS_OF_SHARED_WEIGHTS = 100
MOST_IMAGES, MOST_TO_SPLIT, AT_ONCE = 1000, 10_000, 100
NUM_SAMPLES, NUM_DRAWS, NOISE_SEED = 5, 5, 0
NUM_STEPS, STEP_SIZE = 100, 0.1


@torch.no_grad()
def draw_usage(
    networks: Networks, prior: Distribution, images: Tensor, rho: float, num_draws: int
) -> Usage:
    """What the guide says of some images, over so many draws of the weights.

    Weights that all images share are drawn once for all of them.
    """
    parts = [
        (probs, num_active(weights, rho).expand(probs.shape[:-1]), codes)
        for weights, probs, codes in _draw_parts(networks, prior, images, num_draws)
    ]
    return Usage.join([Usage(*(x.numpy(force=True) for x in part)) for part in parts])


@torch.no_grad()
def draw_codes(
    networks: Networks, prior: Distribution, images: Tensor, num_draws: int
) -> NDArray[np.floating]:
    """The codes of `draw_usage` alone, whose probabilities take memory."""
    parts = _draw_parts(networks, prior, images, num_draws)
    return np.concatenate([codes.numpy(force=True) for _, _, codes in parts])


def _draw_parts(
    networks: Networks, prior: Distribution, images: Tensor, num_draws: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Draws of the weights, components given these, and codes, of a few images each."""
    concentration = networks.encode_concentration(prior).mean

    def draw(features: Tensor) -> Tensor:
        sticks = networks.encode_sticks(features, concentration)
        return to_weights(sticks, sticks.rsample((num_draws,)))

    own = networks.options.has_own_weights
    shared = None if own else draw(networks.features(images[:1])).unsqueeze(-2)
    for batch in images.split(IMAGES_AT_ONCE):
        features = networks.features(batch)
        weights = draw(features) if own else shared
        probs = networks.encode_component(features, weights).softmax(-1)
        codes = networks.encode_code(features, networks.all_means().unsqueeze(-2)).mean
        yield weights, probs, torch.einsum("nk,knd->nd", probs.mean(0), codes)


@torch.no_grad()
def wanted_sticks(networks: Networks, prior: Distribution, images: Tensor) -> int:
    """How many sticks keep the overflow rate of draws for these images low.

    Args:
        networks: That have the sticks so far.
        prior: Of the concentration.
        images: For which weights are drawn.
    """
    options = networks.options
    concentration = networks.encode_concentration(prior).mean
    sticks = networks.encode_sticks(networks.features(images), concentration)
    shape = () if options.has_own_weights else (DRAWS_OF_SHARED_WEIGHTS,)
    weights = to_weights(sticks, sticks.rsample(shape))
    return int(sticks.wanted_sticks(weights, options.max_overflow, options.rho))


def grow_sticks(networks: Networks, optimizer: PyroOptim, num_sticks: int) -> None:
    """Add sticks at the prior, each with a component like the rest.

    The bound stays what it was but for the price of the sticks: their KL to the prior
    at its nearest Gaussian.

    Args:
        networks: Whose parameters grow.
        optimizer: Whose state is kept, and zero for the new parameters.
        num_sticks: How many to add.
    """
    for name, axis in AXES_OF_STICKS.items():
        parameter = getattr(networks, name)
        shape = list(parameter.shape)
        shape[axis] = num_sticks
        grow(optimizer, {parameter: parameter.new_zeros(shape)}, axis)


@torch.no_grad()
def judge_components(
    networks: Networks,
    optimizer: PyroOptim,
    prior: Distribution,
    images: Tensor,
    held_out: Tensor,
    tried: Sequence[int] = (),
    num_epochs: int = 0,
) -> Judged:
    """Delete and merge components, judged by held-out images; sort the others by size.

    No network is trained on these images, but the sticks of what is left are fitted to
    them, and the mean of a merged pair is weighted by how many of them each has.

    Args:
        networks: Whose sticks are fitted anew; those of deleted components are at the
            prior, as if they had been added.
        optimizer: Whose state follows the components.
        prior: Of the concentration.
        images: To learn from.
        held_out: To judge by, and to fit the sticks to.
        tried: The components that a split has added since.
        num_epochs: After which this is.

    Returns:
        The components that are left, and their sticks.
    """
    some = images[torch.randperm(len(images))[:MOST_IMAGES]]
    others = held_out[torch.randperm(len(held_out))[:MOST_IMAGES]]
    usage = draw_usage(networks, prior, some, networks.options.rho, NUM_DRAWS)
    found = judge(
        partial(measure, networks, others),
        networks.all_means().double().numpy(force=True),
        usage.probs.mean((0, 1), "float64") * len(images),
        networks.encode_concentration(prior).mean.item(),
        len(images),
        tried,
        num_epochs,
    )
    networks.means.copy_(torch.from_numpy(found.means[:-1]))
    rearrange(networks, optimizer, found.fit.components, found.fit.sticks)
    return found


@torch.no_grad()
def split_components(
    networks: Networks,
    optimizer: PyroOptim,
    prior: Distribution,
    images: Tensor,
    found: Judged,
) -> list[int]:
    """Split components whose codes or images are of two groups, on trial.

    Args:
        networks: Whose components were judged just now; sticks are added as needed.
        optimizer: Whose state follows the components, to both halves.
        prior: Of the concentration.
        images: To learn from.
        found: The components that are left.

    Returns:
        Those that were added.
    """
    images = images[:MOST_TO_SPLIT]
    usage = draw_usage(networks, prior, images, networks.options.rho, NUM_DRAWS)
    parts = split(
        encode(networks, images, usage.most_probable),
        images.numpy(force=True),
        networks.means[: len(found.fit.components)].double().numpy(force=True),
        found.fit.counts[[*found.fit.components, -1]],
        networks.encode_concentration(prior).mean.item(),
        partial(explain, networks),
    )
    more = len(parts.means) - networks.num_sticks
    if more > 0:
        grow_sticks(networks, optimizer, more)
    rearrange(networks, optimizer, parts.parents, parts.sticks)
    networks.means[: len(parts.means)] = torch.from_numpy(parts.means).to(images)
    networks.scores.weight += torch.from_numpy(parts.weight).to(images)
    networks.scores.bias += torch.from_numpy(parts.bias).to(images)
    return parts.tried


def measure(
    networks: Networks, images: Tensor, means: NDArray[np.floating]
) -> NDArray[np.floating]:
    """What the images say of components with these means, whose codes share noise.

    It is the same noise each time, for images that are shuffled each time.
    """
    means, generator = (
        torch.from_numpy(means).to(images),
        torch.Generator(images.device),
    )
    generator.manual_seed(NOISE_SEED)
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


def rearrange(
    networks: Networks, optimizer: PyroOptim, order: NDArray, sticks: BetaSticks
) -> None:
    """Puts these components first, with these sticks, and zeros after them."""
    num_sticks = networks.num_sticks
    for name, axis in AXES_OF_STICKS.items():
        parameter = getattr(networks, name)
        rest = list(parameter.shape)
        rest[axis] -= len(order)
        reorder(optimizer, order, {parameter: None}, axis)
        grow(optimizer, {parameter: parameter.new_zeros(rest)}, axis)
    breaks = sticks.breaks(num_sticks, networks.options.concentration)
    networks.breaks.copy_(torch.from_numpy(breaks))
