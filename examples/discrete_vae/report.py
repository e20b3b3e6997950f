"""The scores and the pictures of a discrete VAE, from NumPy arrays."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from examples.discrete_vae.options import ESTIMATORS, Options
from examples.harness.run import LogLikelihood
from examples.images.figures import (
    save_code_probs,
    save_figure,
    save_image_rows,
    save_traversal,
)

with warnings.catch_warnings():  # 0.23 announces release 1 once a day
    warnings.simplefilter("ignore")
    import arviz as az

NUM_COLUMNS, NUM_ROWS, NUM_VARIABLES = 12, 6, 4
ROWS = "truth", "reconstructions", "samples"
DEAD = 0.01


class ParetoK(NamedTuple):
    """The shapes of the tails of importance weights.

    Below `good_k`, which depends on the number of samples, the average of the weights
    is reliable (Vehtari et al., 2024), and the guide is a good proposal.

    Args:
        k: The shape of each image's; infinite where no tail can be fitted, as to few
            or equal weights.
        good_k: The largest at which their average is reliable.
    """

    k: NDArray[np.floating]
    good_k: float

    @classmethod
    def of(cls, log_weights: NDArray[np.floating]) -> "ParetoK":
        """That of weights with shape `(images, samples)`."""
        good_k = min(1 - 1 / np.log10(log_weights.shape[-1]), 0.7)
        return cls(_tail_shapes(log_weights), good_k)


def _tail_shapes(log_weights: NDArray[np.floating]) -> NDArray[np.floating]:
    if hasattr(az, "psislw"):  # release 0.23
        return az.psislw(log_weights)[1]
    return np.array([_tail_shape(of_image) for of_image in log_weights])


def _tail_shape(log_weights: NDArray[np.floating]) -> float:
    """By release 1, which takes log-likelihoods: their inverses are the weights."""
    from arviz_stats.base import array_stats

    try:
        k = float(array_stats.psislw(-log_weights)[1])
    except ValueError:  # few samples, or a tail of equal ones
        return np.inf
    return np.inf if np.isnan(k) else k


class Scores(NamedTuple):
    """Evidence lower bounds of some images, in nats per image.

    Args:
        relaxed_elbo: Of the objective that was trained, with the codes it trains on.
        discrete_elbo: Of the discrete model that it stands for, with one-hot codes:
            comparable between distributions and temperatures.
    """

    relaxed_elbo: float
    discrete_elbo: float

    @property
    def relaxation_gap(self) -> float:
        """By how much relaxing the codes changes the ELBO."""
        return self.relaxed_elbo - self.discrete_elbo


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
        pareto_k: The shapes of the tails of the test images' importance weights.
    """

    validation: Scores
    test: Scores
    log_likelihood: LogLikelihood
    dead_categories: tuple[int, ...]
    num_epochs: int
    seconds: float
    evaluation_seconds: float
    pareto_k: ParetoK

    @classmethod
    def of(
        cls,
        validation: Scores,
        test: Scores,
        log_weights: NDArray[np.floating],
        probs: NDArray[np.floating],
        *of_run: float,
    ) -> "Result":
        """The summary of importance weights, `(images, samples)`, and posteriors."""
        weights = LogLikelihood.from_bounds(importance_bounds(log_weights))
        of_codes = dead_categories(probs), *of_run, ParetoK.of(log_weights)
        return cls(validation, test, weights, *of_codes)


def importance_bounds(log_weights: NDArray[np.floating]) -> NDArray[np.floating]:
    """The importance-weighted bound of each image, of `(images, samples)`."""
    return np.logaddexp.reduce(log_weights, -1) - np.log(log_weights.shape[-1])


def dead_categories(probs: NDArray[np.floating]) -> tuple[int, ...]:
    """The number of dead categories of each variable.

    A category is dead if its posterior probability, averaged over the images, is
    below a hundredth of its share under the uniform prior.

    Args:
        probs: Posterior probabilities, with shape `(images, variables, categories)`.
    """
    dead = probs.mean(0) < DEAD / probs.shape[-1]
    return tuple(dead.sum(-1).tolist())


def information(probs: NDArray[np.floating]) -> NDArray[np.floating]:
    """What each variable tells about the image, in nats.

    The mutual information of image and category: the mean KL divergence of the
    posteriors of the images from their average.

    Args:
        probs: Posterior probabilities, with shape `(images, variables, categories)`.
    """
    log_ratio = np.log(np.maximum(probs, 1e-30) / np.maximum(probs.mean(0), 1e-30))
    return (probs * log_ratio).sum(-1).mean(0)


def most_informative(probs: NDArray[np.floating], number: int) -> NDArray[np.intp]:
    """The variables that tell most about the image, at most so many, the best first."""
    return np.argsort(-information(probs))[:number]


def traverse(probs: NDArray[np.floating], variable: int) -> NDArray[np.float32]:
    """The most probable code of each image, with a variable set to each category.

    Args:
        probs: Posterior probabilities, with shape `(images, variables, categories)`.
        variable: The index of the variable to vary.

    Returns:
        One-hot codes, with shape `(images, categories, variables, categories)`.
    """
    one_hot = np.eye(probs.shape[-1], dtype=np.float32)
    codes = np.repeat(one_hot[probs.argmax(-1)][:, None], len(one_hot), axis=1)
    codes[:, :, variable] = one_hot
    return codes


def save_pictures(
    figure: Callable[[str], Path],
    shape: tuple[int, int],
    rows: dict[str, NDArray[np.floating]],
    images: NDArray[np.floating],
    probs: NDArray[np.floating],
    decode: Callable[[NDArray[np.float32]], NDArray[np.floating]],
    found: ParetoK,
) -> None:
    """Draw reconstructions, posterior probabilities, a traversal and Pareto k.

    The traversal is of the variable whose categories change the images most.

    Args:
        figure: The file of a figure, by its name.
        shape: The height and the width of an image.
        rows: Images, reconstructions and samples, by label.
        images: The first test images.
        probs: Their posterior probabilities, and those of all others.
        decode: The means of the pixels of codes in place of those of each image.
        found: The shapes of the tails of the importance weights.
    """
    ordered = {label: rows[label] for label in ROWS}  # JAX sorts what it returns
    save_image_rows(figure("images"), ordered, shape)
    nats, variables = information(probs), most_informative(probs, NUM_VARIABLES)
    titles = {v: f"variable {v + 1}: {nats[v]:.2f} nats" for v in variables}
    few = probs[:NUM_ROWS]
    save_code_probs(figure("probabilities"), images, few, titles, shape)
    decoded = [decode(traverse(few, variable)) for variable in range(len(nats))]
    best = int(np.argmax([np.std(varied, axis=1).mean() for varied in decoded]))
    save_traversal(figure("traversal"), images, decoded[best], shape, best)
    save_pareto_k(figure("pareto_k"), found)


def save_pareto_k(path: Path, found: ParetoK) -> None:
    """Draw Pareto k of each image, and the line below which weights are reliable."""
    drawn = Figure(figsize=(7, 3.2), layout="constrained")
    axis, (k, good_k) = drawn.subplots(), found
    axis.plot(range(1, len(k) + 1), k, ".", ms=4)
    label = f"importance weights are reliable below {good_k:.2f}"
    axis.axhline(good_k, color="C1", ls="--", lw=1, label=label)
    axis.set(xlabel="test image", ylabel="Pareto k of its importance weights")
    axis.legend(fontsize=8)
    save_figure(drawn, path)


def format_report(options: Options, result: Result) -> str:
    """A table of the scores, which says what each of them is."""
    labels = {
        "relaxed_elbo": f"as trained: {ESTIMATORS[options.estimator].objective}",
        "discrete_elbo": "comparable across families: one-hot codes (ELBO)",
        "relaxation_gap": "difference: the relaxation gap",
    }
    width = max(map(len, labels.values()))
    nats = "nats per image"
    if options.pixels == "gray":
        nats += ", of a density: can be positive"
    lines = [
        f"{options.family} at temperature {options.temperature:g}, "
        f"{options.estimator}, {options.images}: {result.num_epochs} epochs, "
        f"{result.seconds:.1f} s",
        f"{nats:{width}}{'validation':>12}{'test':>10}",
    ]
    for name, label in labels.items():
        validation, test = getattr(result.validation, name), getattr(result.test, name)
        lines.append(f"{label:{width}}{validation:12.2f}{test:10.2f}")
    label = f"log-likelihood of one-hot codes (IWAE-{options.num_importance_samples})"
    mean, error = result.log_likelihood
    time = f"{result.evaluation_seconds:.1f} s"
    dead = " ".join(map(str, result.dead_categories))
    k, good_k = result.pareto_k
    return "\n".join(
        [
            *lines,
            f"{label:{width}}{'':12}{mean:10.2f} ± {error:.2f}, {time}",
            f"Pareto k of its weights: median {np.median(k):.2f}, largest "
            f"{k.max():.2f}; {np.mean(k < good_k):.0%} below {good_k:.2f}, where "
            "weights are reliable",
            f"dead categories of {options.num_categories} in each variable: {dead}",
        ]
    )
