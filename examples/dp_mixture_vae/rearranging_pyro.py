"""Components that are added, moved and given sticks, with the moments of Adam."""

import torch
from numpy.typing import NDArray
from pyro.optim import PyroOptim

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.sticks import AXES_OF_STICKS, BetaSticks
from pyro_igr import grow, reorder


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
