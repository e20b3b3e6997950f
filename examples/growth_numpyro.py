"""Capacity that grows: sticks that start at the prior, without losing the optimizer."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.example_libraries.optimizers import (
    JoinPoint,
    pack_optimizer_state,
    unpack_optimizer_state,
)
from mixture_options import MixtureOptions
from mixture_sticks import AXES_OF_STICKS
from mixture_usage_numpyro import draw_needed
from numpyro.distributions import Distribution
from numpyro.infer.svi import SVIState


def overflow_rate(
    options: MixtureOptions,
    params: dict[str, Any],
    prior: Distribution,
    images: Array,
    key: Array,
) -> float:
    """The rate of draws whose first weights, up to `rho`, need more than all sticks."""
    needed = draw_needed(options, params, prior, images, options.rho, key)
    return float((needed > params["breaks"].shape[-1]).mean())


def grow(state: SVIState, num_sticks: int) -> SVIState:
    """Add sticks at the prior, each with a component like the rest.

    The bound stays what it was but for the price of the sticks: their KL to the prior
    at its nearest Gaussian.

    Args:
        state: The parameters and the moments of Adam, which are kept, and zero for the
            new parameters.
        num_sticks: How many to add.
    """
    step, packed = state.optim_state
    joints = unpack_optimizer_state(packed)
    for name, axis in AXES_OF_STICKS.items():
        widen = partial(extend, axis=axis, number=num_sticks)
        joints[name] = JoinPoint(jax.tree.map(widen, joints[name].subtree))
    return state._replace(optim_state=(step, pack_optimizer_state(joints)))


def extend(array: Array, axis: int, number: int) -> Array:
    """The array with so many zeros more along an axis."""
    widths = [(0, number if dim == axis else 0) for dim in range(array.ndim)]
    return jnp.pad(array, widths)
