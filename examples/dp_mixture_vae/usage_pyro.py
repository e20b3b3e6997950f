"""Draws of the guide: which components images use, and how many sticks."""

import torch
from pyro.distributions import Distribution
from torch import Tensor

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.usage import Usage
from examples.dp_mixture_vae.weights_pyro import to_weights
from examples.harness.training_pyro import IMAGES_AT_ONCE
from pyro_igr import num_active


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
