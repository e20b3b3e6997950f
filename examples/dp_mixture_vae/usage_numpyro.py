"""Which components images use, by draws from the guide."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import handlers
from numpyro.distributions import Distribution

from examples.dp_mixture_vae.networks_numpyro import Networks
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.stick_laws_numpyro import to_weights
from examples.dp_mixture_vae.usage import Usage
from examples.harness.evaluation_numpyro import IMAGES_AT_ONCE
from numpyro_igr import num_active


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
    starts = range(0, len(images), IMAGES_AT_ONCE)
    parts = [of(images[start : start + IMAGES_AT_ONCE]) for start in starts]
    return Usage.join([Usage(*map(np.asarray, part)) for part in parts])


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
    law = networks.encode_sticks(features, networks.encode_concentration(prior).mean)
    weights = to_weights(law, law.rsample(key, (num_draws,)))
    if not options.has_own_weights:
        weights = weights[..., None, :]
    probs = jax.nn.softmax(networks.encode_component(features, weights), -1)
    codes = networks.encode_code(features, networks.all_means()[:, None]).mean
    code = jnp.einsum("nk,knd->nd", probs.mean(0), codes)
    needed = num_active(weights, rho)
    return probs, jnp.broadcast_to(needed, probs.shape[:-1]), code
