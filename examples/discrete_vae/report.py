"""The scores of a discrete VAE, and how to print them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from examples.discrete_vae.estimators import ESTIMATORS
from examples.discrete_vae.options import Options


class Scores(NamedTuple):
    """Evidence lower bounds of some images, in nats per image.

    Args:
        relaxed_elbo: Of the objective that was trained, with the codes it trains on.
        discrete_elbo: Of the discrete model that it stands for, with one-hot codes:
            comparable between laws and temperatures.
    """

    relaxed_elbo: float
    discrete_elbo: float

    @property
    def relaxation_gap(self) -> float:
        """By how much relaxing the codes changes the ELBO."""
        return self.relaxed_elbo - self.discrete_elbo


class LogLikelihood(NamedTuple):
    """An importance-weighted bound on a log-likelihood, in nats per image.

    Args:
        mean: Over the images.
        standard_error: Of that mean, from the spread over the images.
    """

    mean: float
    standard_error: float

    @classmethod
    def from_bounds(cls, bounds: NDArray[np.floating]) -> "LogLikelihood":
        """The summary of the bounds of some images."""
        error = bounds.std(ddof=1) / math.sqrt(len(bounds))
        return cls(float(bounds.mean()), float(error))


class Result(NamedTuple):
    """What a run achieved.

    Args:
        validation: The bounds of the images to choose by.
        test: The bounds of the images to report on.
        log_likelihood: Of the test images, under the discrete model.
        dead_categories: The number of them in each variable of the code.
        num_epochs: Those that the run has, which may be more than were asked for.
        seconds: The time that the run took, from the options to the scores.
        evaluation_seconds: The part of it that the log-likelihood took.
    """

    validation: Scores
    test: Scores
    log_likelihood: LogLikelihood
    dead_categories: tuple[int, ...]
    num_epochs: int
    seconds: float
    evaluation_seconds: float


def format_report(options: Options, result: Result) -> str:
    """A table of the scores, which says what each of them is."""
    labels = {
        "relaxed_elbo": f"as trained: {ESTIMATORS[options.estimator].objective}",
        "discrete_elbo": "comparable across laws: one-hot codes (ELBO)",
        "relaxation_gap": "difference: the relaxation gap",
    }
    width = max(map(len, labels.values()))
    lines = [
        f"{options.law} at temperature {options.temperature:g}, {options.estimator}, "
        f"{options.dataset}: {result.num_epochs} epochs, {result.seconds:.1f} s",
        f"{'nats per image':{width}}{'validation':>12}{'test':>10}",
    ]
    for name, label in labels.items():
        validation, test = getattr(result.validation, name), getattr(result.test, name)
        lines.append(f"{label:{width}}{validation:12.2f}{test:10.2f}")
    label = f"log-likelihood of one-hot codes (IWAE-{options.num_importance_samples})"
    mean, error = result.log_likelihood
    time = f"{result.evaluation_seconds:.1f} s"
    lines.append(f"{label:{width}}{'':12}{mean:10.2f} ± {error:.2f}, {time}")
    return "\n".join([*lines, _format_dead(result.dead_categories, options)])


def _format_dead(dead: Sequence[int], options: Options) -> str:
    counts = " ".join(map(str, dead))
    return f"dead categories of {options.num_categories} in each variable: {counts}"
