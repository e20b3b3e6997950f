"""Figures of distributions of integers and of their approximations."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from examples.approximate.results import LABELS, Approximation, format_distances
from examples.approximate.targets import Target
from examples.images.figures import save_figure

QUANTILE, HEADROOM = 0.9999, 1.6


def save_approximations(
    figure: Callable[[str], Path],
    results: dict[str, tuple[Target, list[Approximation]]],
) -> None:
    """Draw what each method found, and how close they came over training.

    Args:
        figure: The file of a figure, by its name.
        results: What was found for each target, by its name.
    """
    for name, (target, found) in results.items():
        save_distributions(figure(name), target, found)
    if "poisson" in results:
        target, found = results["poisson"]
        trained = [a for a in found if a.method.trained and a.method.family != "igr"]
        save_distributions(figure("categories"), target, trained)
    save_training(figure("training"), list(results.values()))


def save_distributions(
    path: Path, target: Target, found: Sequence[Approximation]
) -> None:
    """Draw what is recovered over the target, a panel for each method.

    Args:
        path: The file; its folder is created if need be.
        target: The target.
        found: What the methods found; each run is a line.
    """
    num_columns = (len(found) + 1) // 2
    figure = Figure(figsize=(3 * num_columns, 5.4), layout="constrained")
    axes = figure.subplots(2, num_columns, sharey=True, squeeze=False)
    for approximation, axis in zip(found, axes.flat, strict=False):
        _draw_distribution(axis, target, approximation)
    for axis in axes.flat[len(found) :]:
        axis.remove()
    figure.suptitle(f"{target.label}: target in gray, what is recovered in color")
    figure.supxlabel("value", fontsize=9)
    figure.supylabel("probability", fontsize=9)
    save_figure(figure, path)


def _draw_distribution(
    axis: Axes, target: Target, approximation: Approximation
) -> None:
    values = np.arange(target.support or target.distribution.ppf(QUANTILE), dtype=int)
    probs = target.distribution.pmf(values)
    edges = np.append(values, len(values)) - 0.5
    axis.stairs(probs, edges, fill=True, color="0.8")
    for run in approximation.probs:
        axis.stairs(run[: len(values)], edges, lw=1, color="C0", alpha=0.7)
    axis.set(xlim=edges[[0, -1]], ylim=(0, HEADROOM * probs.max()))
    axis.set_title(
        f"{approximation.method.label}, {approximation.num_categories} categories\n"
        f"total variation {format_distances(approximation.distances)}",
        fontsize=8,
    )
    axis.tick_params(labelsize=7)


def save_training(
    path: Path, results: Sequence[tuple[Target, Sequence[Approximation]]]
) -> None:
    """Draw the total variations over training, a panel for each target.

    Args:
        path: The file; its folder is created if need be.
        results: What was found for each target.
    """
    figure = Figure(figsize=(3 * len(results) + 2, 3), layout="constrained")
    axes = figure.subplots(1, len(results), sharey=True, squeeze=False)[0]
    for (target, found), axis in zip(results, axes, strict=True):
        for approximation in found:
            if approximation.method.trained:
                _draw_history(axis, approximation)
        axis.set_title(target.label, fontsize=9)
        axis.set_xlabel("period of training", fontsize=8)
        axis.legend(fontsize=6)
    axes[0].set(yscale="log", ylabel="total variation")
    save_figure(figure, path)


def _draw_history(axis: Axes, approximation: Approximation) -> None:
    periods = np.arange(1, 1 + approximation.history.shape[1])
    family, size = LABELS[approximation.method.family], approximation.num_categories
    label = f"{family}, {size} categories"
    (line,) = axis.plot(periods, approximation.history.mean(0), lw=1, label=label)
    low, high = approximation.history.min(0), approximation.history.max(0)
    axis.fill_between(periods, low, high, color=line.get_color(), alpha=0.2)
