"""Capacity that grows: sticks that start at the prior, without losing the optimizer."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, random
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState

from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.stick_laws_numpyro import to_weights
from examples.dp_mixture_vae.sticks import AXES_OF_STICKS
from examples.dp_mixture_vae.usage_numpyro import trained_networks
from numpyro_igr import grow

DRAWS_OF_SHARED_WEIGHTS = 100


@partial(jax.jit, static_argnames=("options", "max_overflow", "rho"))
def wanted_sticks(
    options: MixtureOptions,
    params: dict[str, Any],
    prior: Distribution,
    images: Array,
    max_overflow: float,
    rho: float,
    key: Array,
) -> Array:
    """How many sticks keep the overflow rate of draws for these images low.

    Args:
        options: That the model depends on.
        params: The sticks so far, and all else.
        prior: The law of the concentration.
        images: For which weights are drawn.
        max_overflow: The rate of draws that may need more.
        rho: The share of the weights that sticks are needed for.
        key: Of the draws.
    """
    networks = trained_networks(options, params, images.shape[-1])
    concentration = networks.encode_concentration(prior).mean
    law = networks.encode_sticks(networks.features(images), concentration)
    shape = () if options.has_own_weights else (DRAWS_OF_SHARED_WEIGHTS,)
    given, beyond = random.split(key)
    weights = to_weights(law, law.rsample(given, shape))
    return law.wanted_sticks(beyond, weights, max_overflow, rho)


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
