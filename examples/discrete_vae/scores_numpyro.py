"""Scores and pictures of a trained discrete VAE for held-out images, in NumPyro."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array, random
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from tqdm import tqdm

from examples.discrete_vae.codes_numpyro import make_discrete
from examples.discrete_vae.options import Options
from examples.discrete_vae.report import (
    NUM_COLUMNS,
    NUM_ROWS,
    Result,
    Scores,
    save_pictures,
)
from examples.harness.training_numpyro import IMAGES_AT_ONCE, evaluate
from examples.images.datasets import BinaryImages
from numpyro_igr import log_weights

CODES_AT_ONCE = 25_000
NUM_SAMPLES = 10  # to score by


class Objectives(NamedTuple):
    """What to train, and what to score: a model, a guide and an ELBO each."""

    training: SVI
    relaxed: SVI
    discrete: SVI


def score(
    options: Options,
    objectives: Objectives,
    prior: Distribution,
    data: BinaryImages[Array],
    num_epochs: int,
    start: float,
    params: dict[str, Any],
    key: Array,
) -> Result:
    """Score a discrete VAE of so many epochs, which began at that time, and draw it."""
    discrete, trained = (objectives.discrete, make_discrete(prior)), (params, key)
    scores = [
        Scores(
            evaluate(objectives.relaxed, prior, images, *trained),
            evaluate(*discrete, images, *trained),
        )
        for images in (data.validation, data.test)
    ]
    evaluation_start = perf_counter()
    weights = weigh(*discrete, data.test, options.num_importance_samples, *trained)
    evaluation_seconds = perf_counter() - evaluation_start
    guide, of_test = objectives.discrete.guide, (discrete[1], data.test)
    probs = np.asarray(code_probs(guide, *of_test, *trained))
    of_run = num_epochs, perf_counter() - start, evaluation_seconds
    result = Result.of(*scores, weights, probs, *of_run)
    if options.figures:
        few = data.test[:NUM_ROWS]
        rows = draw(*discrete, data.test[:NUM_COLUMNS], *trained)
        of_few = np.asarray(few), probs, partial(decode, *discrete, few, params)
        save_pictures(options.figure, data.shape, rows, *of_few, result.pareto_k)
    return result


def weigh(
    svi: SVI,
    prior: Distribution,
    images: Array,
    num_samples: int,
    params: dict[str, Any],
    key: Array,
) -> NDArray[np.floating]:
    """Log importance weights of codes, `(images, samples)`, with a progress bar.

    The probabilities of the codes are computed once, which takes long for some.
    """
    found = []
    with tqdm(total=len(images), unit=" test images", disable=None) as progress:
        for start in range(0, len(images), IMAGES_AT_ONCE):
            chunk = images[start : start + IMAGES_AT_ONCE]
            own = random.fold_in(key, start)
            weights = _weigh(svi, chunk, prior, num_samples, params, own)
            found.append(np.asarray(weights).T)
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
    guide = drawing(posterior(svi.guide, prior, images, params, key))
    programs = svi.model, guide
    at_once = max(1, min(num_samples, CODES_AT_ONCE // len(images)))
    numbers = {"num_samples": num_samples, "chunk_size": at_once}
    return log_weights(key, *programs, images, prior, **numbers, params=params)


def drawing(code: Distribution) -> Callable:
    """A guide that draws the codes of images from these distributions."""

    def guide(images: Array, prior: Distribution) -> None:
        with numpyro.plate("images", len(images)):
            numpyro.sample("code", code)

    return guide


@partial(jax.jit, static_argnames="guide")
def code_probs(
    guide: Callable,
    prior: Distribution,
    images: Array,
    params: dict[str, Any],
    key: Array,
) -> Array:
    """The posterior probabilities of the categories, given each image."""
    return posterior(guide, prior, images, params, key).base_dist.probs


def posterior(
    guide: Callable,
    prior: Distribution,
    images: Array,
    params: dict[str, Any],
    key: Array,
) -> Distribution:
    """The distribution of the code of each image."""
    with handlers.substitute(data=params), handlers.seed(rng_seed=key):
        return handlers.trace(guide).get_trace(images, prior)["code"]["fn"]


@partial(jax.jit, static_argnames="svi")
def draw(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> dict[str, Array]:
    """The images, what their codes decode to, and as many codes from the prior."""
    with handlers.substitute(data=params), handlers.seed(rng_seed=key):
        codes = handlers.trace(svi.guide).get_trace(images, prior)
        return {
            "truth": images,
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
