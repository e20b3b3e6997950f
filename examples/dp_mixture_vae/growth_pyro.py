"""Capacity that grows: sticks that start at the prior, without losing the optimizer."""

import torch
from pyro.distributions import Distribution
from pyro.optim import PyroOptim
from torch import Tensor

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.sticks import AXES_OF_STICKS
from examples.dp_mixture_vae.usage_pyro import draw_weights
from pyro_igr import grow


@torch.no_grad()
def wanted_sticks(networks: Networks, prior: Distribution, images: Tensor) -> int:
    """How many sticks keep the overflow rate of draws for these images low.

    Args:
        networks: That have the sticks so far.
        prior: The law of the concentration.
        images: For which weights are drawn.
    """
    options = networks.options
    law, weights = draw_weights(networks, prior, images)
    return int(law.wanted_sticks(weights, options.max_overflow, options.rho))


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
