"""Pareto-smoothed importance sampling of discrete codes, by ArviZ."""

from pathlib import Path
from typing import NamedTuple

import arviz as az
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from examples.discrete_vae.code_usage import most_informative
from examples.harness.run_options import RunOptions

NUM_ROWS, NUM_COLUMNS = 3, 4


class Draws(NamedTuple):
    """Codes of images drawn from a discrete guide, and how the model scores them.

    Args:
        codes: Categories, with shape `(images, draws, variables)`.
        log_likelihood: log p(x | z), with shape `(images, draws)`.
        log_weights: log p(x, z) - log q(z | x), with the same shape.
        probs: Recovered probabilities, with shape `(images, variables, categories)`.
    """

    codes: NDArray[np.integer]
    log_likelihood: NDArray[np.floating]
    log_weights: NDArray[np.floating]
    probs: NDArray[np.floating]


def to_inference_data(draws: Draws) -> az.InferenceData:
    """The draws as ArviZ keeps them: one chain, with the draws before the images."""
    return az.from_dict(
        posterior={"code": draws.codes.swapaxes(0, 1)[None]},
        log_likelihood={"pixels": draws.log_likelihood.T[None]},
        sample_stats={"log_weight": draws.log_weights.T[None]},
        dims={
            "code": ["image", "variable"],
            "pixels": ["image"],
            "log_weight": ["image"],
        },
    )


def pareto_k(data: az.InferenceData) -> az.ELPDData:
    """The shape k of the tail of each image's importance weights.

    Below `good_k`, which depends on the number of draws, the average of the weights
    is reliable (Vehtari et al., 2024), and the guide is a good proposal.
    """
    log_weights = data.sample_stats["log_weight"].stack(__sample__=["chain", "draw"])
    _, k = az.psislw(log_weights.transpose("image", "__sample__"))
    good_k = min(1 - 1 / np.log10(log_weights.sizes["__sample__"]), 0.7)
    return az.ELPDData([k, good_k], index=["pareto_k", "good_k"])


def save_pareto_k(path: Path, k: az.ELPDData) -> None:
    """Draw the shapes k of the images, with a line below which they are good."""
    axis = az.plot_khat(k, show_hlines=True, figsize=(8, 4))
    axis.set_xlabel("test image", fontsize=10)
    axis.set_ylabel("Pareto k of its importance weights", fontsize=10)
    axis.tick_params(labelsize=9)
    _save(axis.figure, path)


def save_recovered_probs(path: Path, draws: Draws) -> None:
    """Draw how often categories are drawn, and their recovered probabilities on top.

    One row for each of the first images, with its most informative variables.
    """
    variables = most_informative(draws.probs, NUM_COLUMNS)
    categories = np.arange(draws.probs.shape[-1])
    a_bar_each = {"bins": np.append(categories, len(categories))}
    figure, axes = plt.subplots(
        NUM_ROWS, len(variables), figsize=(11, 6), squeeze=False, sharey=True
    )
    for image, row in enumerate(axes):
        for variable, axis in zip(variables, row, strict=True):
            codes = draws.codes[image, :, variable]
            az.plot_dist(codes, ax=axis, hist_kwargs=a_bar_each)
            axis.plot(categories, draws.probs[image, variable], "o", color="C1")
            axis.set_title(f"image {image + 1}, variable {variable + 1}", fontsize=9)
            axis.set_xticks(categories, categories + 1, fontsize=7)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def report(options: RunOptions, draws: Draws) -> str:
    """Draw both figures, and say whether the guide is a reliable proposal."""
    found = pareto_k(to_inference_data(draws))
    save_pareto_k(options.figures / "pareto_k.png", found)
    save_recovered_probs(options.figures / "recovered_probs.png", draws)
    num_draws = draws.log_weights.shape[-1]
    bounds = np.logaddexp.reduce(draws.log_weights, axis=-1) - np.log(num_draws)
    k, good_k = found["pareto_k"].to_numpy(), found["good_k"]
    return (
        f"{len(k)} test images, {num_draws} codes each\n"
        f"Pareto k: median {np.median(k):.2f}, largest {k.max():.2f}; "
        f"{np.mean(k < good_k):.0%} below {good_k:.2f}, where weights are reliable\n"
        f"log-likelihood {bounds.mean():.2f} nats per image (IWAE-{num_draws})"
    )
