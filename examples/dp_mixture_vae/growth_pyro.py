"""Capacity that grows: sticks that start at the prior, without losing the optimizer."""

import torch
from pyro.distributions import Distribution
from pyro.optim import PyroOptim
from torch import Tensor

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.sticks import AXES_OF_STICKS
from examples.dp_mixture_vae.usage_pyro import draw_weights
from pyro_igr import grow, num_active

TAIL_STICKS = 50


@torch.no_grad()
def wanted_sticks(
    networks: Networks,
    prior: Distribution,
    images: Tensor,
    rho: float,
    max_overflow: float,
) -> int:
    """How many more sticks keep the overflow rate low, by draws of the tail.

    Args:
        networks: That have the sticks so far.
        prior: The law of the concentration.
        images: For which weights are drawn.
        rho: The share of the weights that sticks are needed for.
        max_overflow: The rate of draws that may need more.
    """
    law, weights = draw_weights(networks, prior, images)
    needed = num_active(law.break_rest(weights, TAIL_STICKS), rho).flatten()
    wanted = needed.to(torch.float32).quantile(1 - max_overflow, interpolation="higher")
    return max(0, int(wanted) - networks.num_sticks)


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
