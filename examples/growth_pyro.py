"""Capacity that grows: sticks that start at the prior, without losing the optimizer."""

import pyro
import torch
from mixture_networks_pyro import Networks
from mixture_sticks import AXES_OF_STICKS
from mixture_usage_pyro import draw_needed
from pyro.distributions import Distribution
from pyro.optim import PyroOptim
from torch import Tensor, nn


def overflow_rate(
    networks: Networks, prior: Distribution, images: Tensor, rho: float
) -> float:
    """The rate of draws whose first weights, up to `rho`, need more than all sticks."""
    needed = draw_needed(networks, prior, images, rho)
    return (needed > networks.num_sticks).to(torch.float32).mean().item()


def grow(networks: Networks, optimizer: PyroOptim, num_sticks: int) -> None:
    """Add sticks at the prior, each with a component like the rest.

    The bound stays what it was but for the price of the sticks: their KL to the prior
    at its nearest Gaussian.

    Args:
        networks: The mixture.
        optimizer: Whose state is kept, and zero for the new parameters.
        num_sticks: How many to add.
    """
    state = optimizer.get_state()
    for name, axis in AXES_OF_STICKS.items():
        old = getattr(networks, name)
        setattr(networks, name, nn.Parameter(extend(old.detach(), axis, num_sticks)))
        moments = state.get(f"networks$$${name}", {"state": {}})["state"].get(0, {})
        for key, value in moments.items():
            if value.shape == old.shape:
                moments[key] = extend(value, axis, num_sticks)
    forget_parameters(optimizer)
    optimizer.set_state(state)


def extend(array: Tensor, axis: int, number: int) -> Tensor:
    """The array with so many zeros more along an axis."""
    shape = list(array.shape)
    shape[axis] = number
    return torch.cat([array, array.new_zeros(shape)], axis)


def forget_parameters(optimizer: PyroOptim) -> None:
    """Lets the host meet the parameters of the module anew."""
    pyro.clear_param_store()
    optimizer.optim_objs.clear()
    optimizer.grad_clip.clear()
