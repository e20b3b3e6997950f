"""The options and the report of structured prediction, the same in both hosts."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from examples.harness.command_line import POSITIVE, at_least, option
from examples.harness.run import LogLikelihood, RunOptions, free

FAMILIES = "igr", "igr-sb", "igr-planar", "gumbel-softmax"
PLANAR_LAYERS = ((1.0, 1.0, 0.5), (1.0, -1.0, 0.5))  # u, w and bias, at first
VALIDATION_SAMPLES = 100  # for each image, of the bound to choose by


@dataclass(frozen=True, kw_only=True)
class PredictionOptions(RunOptions):
    """Model and training."""

    num_epochs: int = free(
        "passes over the training images", 100, "-n", where=at_least(1)
    )
    learning_rate: float = option("step size of Adam", 1e-3, "-lr", where=POSITIVE)
    family: str = option("family of the relaxed units", "igr", choices=FAMILIES)
    temperature: float = option("temperature of the relaxed units", 0.5, where=POSITIVE)
    num_units: int = option(
        "binary units in each of the two layers", 240, where=at_least(1)
    )
    num_samples: int = option(
        "samples of the units per image in a training step",
        1,
        "-s",
        where=at_least(1),
    )


class Prediction(NamedTuple):
    """What a run achieved, in nats per image.

    Args:
        objective: The mean log-likelihood of a lower half under one sample of the
            relaxed units, on test images: what was trained.
        validation: The bound to choose by, under binary units.
        test: Bounds on it from more and more samples, by their number.
        num_epochs: Those that the run has, which may be more than were asked for.
        seconds: The time that the run took.
    """

    objective: float
    validation: float
    test: dict[int, LogLikelihood]
    num_epochs: int
    seconds: float


def numbers_of_samples(options: PredictionOptions) -> tuple[int, int]:
    """How many samples bound the log-likelihood of a test image: a tenth, and all."""
    most = options.num_importance_samples
    return max(1, most // 10), most


def bounds(log_likelihoods: NDArray[np.floating], num: int) -> NDArray[np.floating]:
    r"""Bounds on the log-likelihood of each image, from samples of the units.

    .. math:: E \log \frac{1}{m} \sum_{i=1}^m p(\text{lower} | h_i)
        \le \log p(\text{lower} | \text{upper})

    Args:
        log_likelihoods: log p(lower | h), with shape `(samples, images)`.
        num: m; the mean is over groups of as many samples.
    """
    groups = len(log_likelihoods) // num
    grouped = log_likelihoods[: groups * num].reshape(groups, num, -1)
    return (np.logaddexp.reduce(grouped, axis=1) - math.log(num)).mean(0)


def score_bounds(
    options: PredictionOptions, log_likelihoods: NDArray[np.floating]
) -> dict[int, LogLikelihood]:
    """The summary of the bounds of test images, by the number of samples."""
    return {
        num: LogLikelihood.from_bounds(bounds(log_likelihoods, num))
        for num in numbers_of_samples(options)
    }


def format_prediction(options: PredictionOptions, result: Prediction) -> str:
    """A table of the scores, which says what each of them is."""
    lines = [
        f"{options.family} at temperature {options.temperature:g}, {options.images}: "
        f"{result.num_epochs} epochs, {result.seconds:.1f} s",
        "log p(lower half | upper half), nats per image",
        f"one sample of relaxed units, as trained: {result.objective:.2f}",
    ]
    for number, (mean, error) in result.test.items():
        lines.append(f"{number} samples of binary units: {mean:.2f} ± {error:.2f}")
    return "\n".join(lines)
