"""What a trained discrete VAE says of held-out images, in NumPyro."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, random
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from tqdm import tqdm

from examples.harness.training_numpyro import IMAGES_AT_ONCE
from numpyro_igr import log_weights

CODES_AT_ONCE = 25_000


def weigh(
    svi: SVI,
    prior: Distribution,
    images: Array,
    num_samples: int,
    params: dict[str, Any],
    key: Array,
) -> NDArray[np.floating]:
    """Log importance weights of codes, `(images, samples)`, with a progress bar."""
    found = []
    with tqdm(total=len(images), unit=" test images", disable=None) as progress:
        for start in range(0, len(images), IMAGES_AT_ONCE):
            chunk = images[start : start + IMAGES_AT_ONCE]
            of = chunk, prior, num_samples, params, random.fold_in(key, start)
            found.append(np.asarray(_weigh(svi, *of)).T)
            progress.update(len(chunk))
    return np.concatenate(found)


@partial(jax.jit, static_argnames=("svi", "num_samples"))
def _weigh(
    svi: SVI,
    images: Array,
    prior: Distribution,
    num_samples: int,
    params: dict[str, Any],
    key: Array,
) -> Array:
    of = key, svi.model, svi.guide, images, prior
    at_once = max(1, min(num_samples, CODES_AT_ONCE // len(images)))
    numbers = {"num_samples": num_samples, "chunk_size": at_once}
    return log_weights(*of, **numbers, params=params)


@partial(jax.jit, static_argnames="guide")
def code_probs(
    guide: Callable,
    prior: Distribution,
    images: Array,
    params: dict[str, Any],
    key: Array,
) -> Array:
    """The posterior probabilities of the categories, given each image."""
    with handlers.substitute(data=params), handlers.seed(rng_seed=key):
        code = handlers.trace(guide).get_trace(images, prior)["code"]
    return code["fn"].base_dist.probs


@partial(jax.jit, static_argnames="svi")
def draw(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> dict[str, Array]:
    """The images, what their codes decode to, and as many codes from the prior."""
    with handlers.substitute(data=params), handlers.seed(rng_seed=key):
        codes = handlers.trace(svi.guide).get_trace(images, prior)
        return {
            "test images": images,
            "reconstructions": handlers.replay(svi.model, codes)(images, prior),
            "samples": svi.model(images, prior),
        }


@partial(jax.jit, static_argnames="svi")
def decode(
    svi: SVI,
    prior: Distribution,
    images: Array,
    params: dict[str, Any],
    codes: NDArray[np.float32],
) -> Array:
    """The means of the pixels that some codes decode to, in place of each image's."""

    def decode_for(image: Array, codes: Array) -> Array:
        images = jnp.broadcast_to(image, (len(codes), *image.shape))
        with handlers.substitute(data=params | {"code": codes}):
            return svi.model(images, prior)

    return jax.vmap(decode_for)(images, codes)
