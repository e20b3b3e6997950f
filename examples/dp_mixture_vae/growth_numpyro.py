"""Capacity that grows: sticks that start at the prior, without losing the optimizer."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState

from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.sticks import AXES_OF_STICKS
from examples.dp_mixture_vae.usage_numpyro import draw_needed
from numpyro_igr import grow


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


def grow_sticks(svi: SVI, state: SVIState, num_sticks: int) -> SVIState:
    """Add sticks at the prior, each with a component like the rest.

    The bound stays what it was but for the price of the sticks: their KL to the prior
    at its nearest Gaussian.

    Args:
        svi: Whose parameters grow.
        state: The parameters, and the moments of Adam: kept, and zero for the new
            parameters.
        num_sticks: How many to add.
    """
    params = svi.get_params(state)
    for name, axis in AXES_OF_STICKS.items():
        shape = list(jnp.shape(params[name]))
        shape[axis] = num_sticks
        state = grow(state, {name: jnp.zeros(shape)}, axis)
    return state
