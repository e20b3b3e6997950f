"""Samples on the triangle, the simplex of three categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from examples.harness.command_line import (
    POSITIVE,
    SEED,
    FigureOptions,
    at_least,
    option,
)
from examples.images.figures import save_figure

CORNERS = np.array([[0, 0], [1, 0], [0.5, np.sqrt(0.75)]])


@dataclass(frozen=True, kw_only=True)
class TriangleOptions(FigureOptions):
    """Distributions and samples."""

    weights: tuple[float, ...] = option(
        "weights of the three categories, normalized to their probabilities",
        (0.5, 0.3, 0.2),
        nargs=3,
        where=POSITIVE,
    )
    temperature: tuple[float, ...] = option(
        "temperatures of the panels, from left to right",
        (1.0, 0.5, 0.25, 0.1),
        where=POSITIVE,
    )
    num_samples: int = option(
        "samples to draw of each distribution", 1000, "-s", where=at_least(1)
    )
    seed: int = option("seed of the samples", 0, where=SEED)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.probs.min() < np.finfo(np.float32).tiny:
            raise ValueError(
                "expected --weights to be at least 1e-37 of their sum, got "
                f"{' '.join(map(str, self.weights))}"
            )

    @property
    def probs(self) -> NDArray[np.float32]:
        """The probabilities of the categories."""
        weights = np.array(self.weights) / max(self.weights)
        return (weights / weights.sum()).astype(np.float32)


def save_triangles(
    path: Path,
    options: TriangleOptions,
    samples: dict[str, Sequence[NDArray[np.floating]]],
) -> None:
    """Draw a row of triangles for each family, with a dot for each sample.

    Its color is that of the nearest corner.

    Args:
        path: The file; its folder is created if need be.
        options: What was relaxed and how.
        samples: Of each family at each temperature, with shape `(num_samples, 3)`.
    """
    num_columns = len(options.temperature)
    size = 1.8 * num_columns + 0.4, 1.75 * len(samples) + 0.6
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(samples), num_columns, squeeze=False)
    for (family, of_family), row in zip(samples.items(), axes, strict=True):
        for points, axis in zip(of_family, row, strict=True):
            _draw_triangle(axis, points)
        row[0].set_ylabel(family, fontsize=10)
    for temperature, axis in zip(options.temperature, axes[0], strict=True):
        axis.set_title(f"temperature {temperature:g}", fontsize=10)
    probs = ", ".join(f"{p:.2g}" for p in options.probs)
    figure.suptitle(f"One discrete distribution, ({probs}), relaxed in three ways")
    save_figure(figure, path, dpi=130)  # a small file


def _draw_triangle(axis: Axes, points: NDArray[np.floating]) -> None:
    x, y = (points @ CORNERS).T
    colors = [f"C{k}" for k in points.argmax(-1)]
    axis.scatter(x, y, s=1, c=colors, lw=0, antialiased=False, rasterized=True)
    axis.fill(*CORNERS.T, fill=False, lw=0.8, ec="0.3")
    for number, (corner, place) in enumerate(zip(CORNERS, PLACES, strict=True), 1):
        axis.annotate(
            str(number),
            corner,
            place,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8,
        )
    axis.set(xticks=[], yticks=[], aspect="equal", xlim=(-0.1, 1.1), ylim=(-0.08, 1))
    axis.spines[:].set_visible(False)


PLACES = (-7, -3), (7, -3), (0, 7)  # of the numbers of the corners, in points
