"""Scores of a network that predicts lower halves, and its completions, in NumPyro."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import numpy as np
from jax import Array, lax, random
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from tqdm import tqdm

from examples.harness.training_numpyro import evaluate
from examples.images.datasets import BinaryImages
from examples.images.figures import save_image_rows
from examples.structured_prediction.prediction import (
    VALIDATION_SAMPLES,
    Prediction,
    PredictionOptions,
    bounds,
    score_bounds,
)

IMAGES_AT_ONCE, NUM_COLUMNS, NUM_DRAWS = 250, 12, 4


def score(
    options: PredictionOptions,
    svi: SVI,
    unit: Distribution,
    data: BinaryImages[Array],
    num_epochs: int,
    start: float,
    params: dict[str, Any],
    key: Array,
) -> Prediction:
    """Score a network of so many epochs, which began at that time, and draw it."""
    few, most = VALIDATION_SAMPLES, options.num_importance_samples
    network, trained = (svi.model, unit), (params, key)
    of_test = log_likelihoods_with_progress(*network, data.test, *trained, most)
    of_validation = log_likelihoods_with_progress(
        *network, data.validation, *trained, few
    )
    if options.figures:
        path, images = options.figure("completions"), data.test[:NUM_COLUMNS]
        save_completions(path, data.shape, *network, images, *trained)
    return Prediction(
        evaluate(svi, unit, data.test, *trained),
        float(bounds(of_validation, few).mean()),
        score_bounds(options, of_test),
        num_epochs,
        perf_counter() - start,
    )


@partial(jax.jit, static_argnames=("model", "num_samples"))
def log_likelihoods(
    model: Callable,
    unit: Distribution,
    images: Array,
    params: dict[str, Any],
    key: Array,
    num_samples: int,
) -> Array:
    """Scores at samples of binary units: log p(lower | h), `(samples, images)`."""

    def draw(key: Array) -> Array:
        with handlers.substitute(data=params), handlers.seed(rng_seed=key):
            sites = handlers.trace(model).get_trace(images, unit, is_hard=True)
        return sites["lower"]["fn"].log_prob(sites["lower"]["value"])

    return lax.map(draw, random.split(key, num_samples))


def log_likelihoods_with_progress(
    model: Callable,
    unit: Distribution,
    images: Array,
    params: dict[str, Any],
    key: Array,
    num_samples: int,
) -> NDArray[np.floating]:
    """The same for many images, some at once, with a progress bar."""
    found = []
    with tqdm(total=len(images), unit=" images", disable=None) as progress:
        for start in range(0, len(images), IMAGES_AT_ONCE):
            chunk = images[start : start + IMAGES_AT_ONCE]
            own = random.fold_in(key, start)
            scores = log_likelihoods(model, unit, chunk, params, own, num_samples)
            found.append(np.asarray(scores))
            progress.update(len(chunk))
    return np.concatenate(found, axis=1)


def save_completions(
    path: Path,
    shape: tuple[int, int],
    model: Callable,
    unit: Distribution,
    images: Array,
    params: dict[str, Any],
    key: Array,
) -> None:
    """Draw the truth, its upper halves, and what binary units make of these."""
    upper, lower = np.split(np.asarray(images), 2, axis=1)

    @jax.jit
    def draw(key: Array) -> Array:
        with handlers.substitute(data=params), handlers.seed(rng_seed=key):
            return model(images, unit, is_hard=True)

    rows = {"truth": lower, "given": np.zeros_like(lower)}
    for number in range(1, NUM_DRAWS + 1):
        drawn = draw(random.fold_in(key, number))
        rows[f"sample {number}"] = np.asarray(drawn)
    save_image_rows(path, {k: np.hstack([upper, v]) for k, v in rows.items()}, shape)
