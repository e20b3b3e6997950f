"""What a trained model of images says of held-out ones."""

from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array, lax, random
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from tqdm import tqdm

IMAGES_AT_ONCE, SAMPLES_AT_ONCE = 250, 25_000


@partial(jax.jit, static_argnames="svi")
def bounds(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> Array:
    """The bound of the objective on the log-likelihood of each image.

    Images are taken one by one, as importance weights must be, a few at once.
    """

    def loss(of: tuple[Array, Array]) -> Array:
        image, key = of
        return svi.loss.loss(key, params, svi.model, svi.guide, image[None], prior)

    at_once = max(1, min(IMAGES_AT_ONCE, SAMPLES_AT_ONCE // svi.loss.num_particles))
    keys = random.split(key, len(images))
    return -lax.map(loss, (images, keys), batch_size=at_once)


def evaluate(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> float:
    """The mean of the bounds."""
    return float(bounds(svi, prior, images, params, key).mean())


def bounds_with_progress(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> NDArray[np.floating]:
    """The bounds, for an objective that takes minutes: with a progress bar."""
    found = []
    with tqdm(total=len(images), unit=" test images", disable=None) as progress:
        for start in range(0, len(images), IMAGES_AT_ONCE):
            chunk = images[start : start + IMAGES_AT_ONCE]
            keys = random.fold_in(key, start)
            found.append(np.asarray(bounds(svi, prior, chunk, params, keys)))
            progress.update(len(chunk))
    return np.concatenate(found)


@partial(jax.jit, static_argnames="svi")
def code_probs(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> Array:
    """The posterior probabilities of the categories, given each image."""
    with handlers.substitute(data=params), handlers.seed(rng_seed=key):
        code = handlers.trace(svi.guide).get_trace(images, prior)["code"]
    return code["fn"].base_dist.probs
