"""Draws of the guide: which components images use, and how many sticks."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, random
from numpyro import handlers
from numpyro.distributions import Distribution

from examples.dp_mixture_vae.networks_numpyro import Networks
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.usage import Usage
from examples.dp_mixture_vae.weights_numpyro import to_weights
from examples.harness.training_numpyro import IMAGES_AT_ONCE
from numpyro_igr import num_active

DRAWS_OF_SHARED_WEIGHTS = 100


def trained_networks(
    options: MixtureOptions, params: dict[str, Any], num_pixels: int
) -> Networks:
    """The networks with trained parameters."""
    with handlers.substitute(data=params):
        return Networks.declare(options, num_pixels)


def draw_usage(
    options: MixtureOptions,
    params: dict[str, Any],
    prior: Distribution,
    images: Array,
    rho: float,
    num_draws: int,
    key: Array,
) -> Usage:
    """What the guide says of some images, over so many draws of the weights."""
    of = partial(_draw_usage, options, params, prior, rho, num_draws, key)
    number, part = len(images), np.arange(IMAGES_AT_ONCE)
    starts = range(0, number, len(part))  # of equal parts, compiled for once
    parts = [of(images[(start + part) % number]) for start in starts]
    probs, needed, codes = Usage.join([Usage(*map(np.asarray, x)) for x in parts])
    return Usage(probs[:, :number], needed[:, :number], codes[:number])


@partial(jax.jit, static_argnames=("options", "rho", "num_draws"))
def _draw_usage(
    options: MixtureOptions,
    params: dict[str, Any],
    prior: Distribution,
    rho: float,
    num_draws: int,
    key: Array,
    images: Array,
) -> tuple[Array, Array, Array]:
    networks = trained_networks(options, params, images.shape[-1])
    features = networks.features(images)
    sticks = networks.encode_sticks(features, networks.encode_concentration(prior).mean)
    weights = to_weights(sticks, sticks.rsample(key, (num_draws,)))
    if not options.has_own_weights:
        weights = weights[..., None, :]
    probs = jax.nn.softmax(networks.encode_component(features, weights), -1)
    codes = networks.encode_code(features, networks.all_means()[:, None]).mean
    code = jnp.einsum("nk,knd->nd", probs.mean(0), codes)
    needed = num_active(weights, rho)
    return probs, jnp.broadcast_to(needed, probs.shape[:-1]), code


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
        prior: Of the concentration.
        images: For which weights are drawn.
        max_overflow: The rate of draws that may need more.
        rho: The share of the weights that sticks are needed for.
        key: Of the draws.
    """
    networks = trained_networks(options, params, images.shape[-1])
    concentration = networks.encode_concentration(prior).mean
    sticks = networks.encode_sticks(networks.features(images), concentration)
    shape = () if options.has_own_weights else (DRAWS_OF_SHARED_WEIGHTS,)
    given, beyond = random.split(key)
    weights = to_weights(sticks, sticks.rsample(given, shape))
    return sticks.wanted_sticks(beyond, weights, max_overflow, rho)


@partial(jax.jit, static_argnames="options")
def concentration_of(
    options: MixtureOptions, params: dict[str, Any], prior: Distribution, images: Array
) -> Array:
    """The mean concentration of the guide."""
    networks = trained_networks(options, params, images.shape[-1])
    return networks.encode_concentration(prior).mean
