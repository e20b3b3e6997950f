"""Components that are deleted and split while a mixture trains."""

import torch
from numpy.typing import NDArray
from pyro.distributions import Bernoulli, Distribution, Normal
from pyro.optim import PyroOptim
from torch import Tensor
from torch.distributions import kl_divergence

from examples.dp_mixture_vae.beta_sticks import BetaSticks
from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.pruning import (
    MOST_IMAGES,
    NUM_DRAWS,
    NUM_SAMPLES,
    Fit,
    Terms,
    prune,
)
from examples.dp_mixture_vae.splitting import Encoded, split
from examples.dp_mixture_vae.sticks import AXES_OF_STICKS
from examples.dp_mixture_vae.usage_pyro import draw_usage
from pyro_igr import grow, reorder


@torch.no_grad()
def prune_components(
    networks: Networks, optimizer: PyroOptim, prior: Distribution, images: Tensor
) -> Fit:
    """Delete components, judged by some of the images, and sort the others by size.

    Args:
        networks: Whose sticks are fitted anew; those of deleted components are at the
            prior, as if they had been added.
        optimizer: Whose state follows the components.
        prior: The law of the concentration.
        images: To learn from.

    Returns:
        The components that are left, and their sticks.
    """
    some = images[torch.randperm(len(images))[:MOST_IMAGES]]
    usage = draw_usage(networks, prior, some, networks.options.rho, NUM_DRAWS)
    counts = usage.probs.mean((0, 1), "float64") * len(images)
    concentration = networks.encode_concentration(prior).mean.item()
    found = prune(measure(networks, some), counts, concentration, len(images))
    rearrange(networks, optimizer, found.components, found.sticks)
    return found


@torch.no_grad()
def split_components(
    networks: Networks,
    optimizer: PyroOptim,
    prior: Distribution,
    images: Tensor,
    found: Fit,
) -> None:
    """Split components whose codes are of two groups, as far as there are sticks.

    Args:
        networks: Whose components were deleted just now.
        optimizer: Whose state follows the components, to both halves.
        prior: The law of the concentration.
        images: To learn from.
        found: The components that are left.
    """
    usage = draw_usage(networks, prior, images, networks.options.rho, NUM_DRAWS)
    parts = split(
        encode(networks, images, usage.most_probable),
        networks.means[: len(found.components)].numpy(force=True),
        found.counts[[*found.components, -1]],
        networks.num_sticks,
        networks.encode_concentration(prior).mean.item(),
    )
    rearrange(networks, optimizer, parts.parents, parts.sticks)
    networks.means[: len(parts.means)] = torch.from_numpy(parts.means).to(images)
    networks.scores.weight += torch.from_numpy(parts.weight).to(images)
    networks.scores.bias += torch.from_numpy(parts.bias).to(images)


def measure(networks: Networks, images: Tensor) -> Terms:
    """What the images say of each component, whose codes share their noise."""
    features, means = networks.features(images), networks.all_means()
    law = networks.encode_code(features, means.unsqueeze(-2))
    noise = torch.randn(NUM_SAMPLES, 1, *law.mean.shape[1:], device=images.device)
    pixels = Bernoulli(logits=networks.decode(law.mean + law.stddev * noise))
    log_likelihood = pixels.log_prob(images).sum(-1).mean(0)
    prior = Normal(means.unsqueeze(-2), 1.0).to_event(1)
    fits = (log_likelihood - kl_divergence(law, prior)).T
    scores = networks.encode_component(features, torch.ones_like(means[:, 0]))
    return Terms(*(x.double().numpy(force=True) for x in (fits, scores)))


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
