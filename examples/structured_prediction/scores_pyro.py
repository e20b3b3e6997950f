"""Scores of a network that predicts lower halves, and its completions, in Pyro."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from pyro import poutine
from pyro.distributions import Distribution
from pyro.infer import SVI
from torch import Tensor
from tqdm import tqdm

from examples.harness.training_pyro import evaluate
from examples.images.datasets import BinaryImages
from examples.images.figures import save_image_rows
from examples.structured_prediction.prediction import (
    VALIDATION_SAMPLES,
    Prediction,
    PredictionOptions,
    bounds,
    score_bounds,
)

IMAGES_AT_ONCE, NUM_COLUMNS, NUM_DRAWS = 25, 12, 4


def score(
    options: PredictionOptions,
    svi: SVI,
    unit: Distribution,
    data: BinaryImages[Tensor],
    num_epochs: int,
    start: float,
) -> Prediction:
    """Score a network of so many epochs, which began at that time, and draw it."""
    few, most = VALIDATION_SAMPLES, options.num_importance_samples
    network = svi.model, unit
    of_test = log_likelihoods_with_progress(*network, data.test, most)
    of_validation = log_likelihoods_with_progress(*network, data.validation, few)
    if options.figures:
        path, images = options.figure("completions"), data.test[:NUM_COLUMNS]
        save_completions(path, data.shape, *network, images)
    return Prediction(
        evaluate(svi, unit, data.test),
        float(bounds(of_validation, few).mean()),
        score_bounds(options, of_test),
        num_epochs,
        perf_counter() - start,
    )


@torch.no_grad()
def log_likelihoods(
    model: Callable, unit: Distribution, images: Tensor, num_samples: int
) -> Tensor:
    """Scores at samples of binary units: log p(lower | h), `(samples, images)`."""
    draw = pyro.plate("samples", num_samples, dim=-2)(partial(model, is_hard=True))
    lower = poutine.trace(draw).get_trace(images, unit).nodes["lower"]
    return lower["fn"].log_prob(lower["value"])


def log_likelihoods_with_progress(
    model: Callable, unit: Distribution, images: Tensor, num_samples: int
) -> NDArray[np.floating]:
    """The same for many images, some at once, with a progress bar."""
    found = []
    with tqdm(total=len(images), unit=" images", disable=None) as progress:
        for chunk in images.split(IMAGES_AT_ONCE):
            scores = log_likelihoods(model, unit, chunk, num_samples)
            found.append(scores.numpy(force=True))
            progress.update(len(chunk))
    return np.concatenate(found, axis=1)


@torch.no_grad()
def save_completions(
    path: Path,
    shape: tuple[int, int],
    model: Callable,
    unit: Distribution,
    images: Tensor,
) -> None:
    """Draw the truth, its upper halves, and what binary units make of these."""
    upper, lower = np.split(images.numpy(force=True), 2, axis=1)
    rows = {"truth": lower, "given": np.zeros_like(lower)}
    for number in range(1, NUM_DRAWS + 1):
        drawn = model(images, unit, is_hard=True)
        rows[f"sample {number}"] = drawn.numpy(force=True)
    save_image_rows(path, {k: np.hstack([upper, v]) for k, v in rows.items()}, shape)
