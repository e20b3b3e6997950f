"""Scores and pictures of a trained discrete VAE for held-out images, in Pyro."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from pyro import poutine
from pyro.distributions import Distribution
from pyro.infer import SVI
from torch import Tensor
from tqdm import tqdm

from examples.discrete_vae.codes_pyro import make_discrete
from examples.discrete_vae.options import Options
from examples.discrete_vae.report import (
    NUM_COLUMNS,
    NUM_ROWS,
    Result,
    Scores,
    save_pictures,
)
from examples.harness.training_pyro import IMAGES_AT_ONCE, evaluate
from examples.images.datasets import BinaryImages
from pyro_igr import log_weights

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
    data: BinaryImages[Tensor],
    num_epochs: int,
    start: float,
) -> Result:
    """Score a discrete VAE of so many epochs, which began at that time, and draw it."""
    discrete = objectives.discrete, make_discrete(prior)
    scores = [
        Scores(evaluate(objectives.relaxed, prior, images), evaluate(*discrete, images))
        for images in (data.validation, data.test)
    ]
    evaluation_start = perf_counter()
    weights = weigh(*discrete, data.test, options.num_importance_samples)
    evaluation_seconds = perf_counter() - evaluation_start
    guide, of_test = objectives.discrete.guide, (discrete[1], data.test)
    probs = code_probs(guide, *of_test).numpy(force=True)
    of_run = num_epochs, perf_counter() - start, evaluation_seconds
    result = Result.of(*scores, weights, probs, *of_run)
    if options.figures:
        few = data.test[:NUM_ROWS]
        rows = draw(*discrete, data.test[:NUM_COLUMNS])
        of_few = few.numpy(force=True), probs, partial(decode, *discrete, few)
        save_pictures(options.figure, data.shape, rows, *of_few, result.pareto_k)
    return result


def weigh(
    svi: SVI, prior: Distribution, images: Tensor, num_samples: int
) -> NDArray[np.floating]:
    """Log importance weights of codes, `(images, samples)`, with a progress bar.

    The probabilities of the codes are computed once, which takes long for some.
    """
    found = []
    with tqdm(total=len(images), unit=" test images", disable=None) as progress:
        for chunk in images.split(IMAGES_AT_ONCE):
            programs = svi.model, drawing(posterior(svi.guide, prior, chunk))
            at_once = max(1, min(num_samples, CODES_AT_ONCE // len(chunk)))
            numbers = {"num_samples": num_samples, "chunk_size": at_once}
            weights = log_weights(*programs, chunk, prior, **numbers)
            found.append(weights.T.numpy(force=True))
            progress.update(len(chunk))
    return np.concatenate(found)


def drawing(code: Distribution) -> Callable:
    """A guide that draws the codes of images from these distributions."""

    def guide(images: Tensor, prior: Distribution) -> None:
        with pyro.plate("images", len(images)):
            pyro.sample("code", code)

    return guide


def code_probs(guide: Callable, prior: Distribution, images: Tensor) -> Tensor:
    """The posterior probabilities of the categories, given each image."""
    return posterior(guide, prior, images).base_dist.probs


@torch.no_grad()
def posterior(guide: Callable, prior: Distribution, images: Tensor) -> Distribution:
    """The distribution of the code of each image."""
    return poutine.trace(guide).get_trace(images, prior).nodes["code"]["fn"]


@torch.no_grad()
def draw(svi: SVI, prior: Distribution, images: Tensor) -> dict[str, NDArray]:
    """The images, what their codes decode to, and as many codes from the prior."""
    codes = poutine.trace(svi.guide).get_trace(images, prior)
    rows = {
        "truth": images,
        "reconstructions": poutine.replay(svi.model, codes)(images, prior),
        "samples": svi.model(images, prior),
    }
    return {label: row.numpy(force=True) for label, row in rows.items()}


@torch.no_grad()
def decode(
    svi: SVI, prior: Distribution, images: Tensor, codes: NDArray[np.float32]
) -> NDArray[np.floating]:
    """The means of the pixels that some codes decode to, in place of each image's."""
    decoded = []
    for image, code in zip(images, torch.from_numpy(codes).to(images), strict=True):
        model = poutine.condition(svi.model, {"code": code})
        decoded.append(model(image.expand(len(code), -1), prior).numpy(force=True))
    return np.stack(decoded)
