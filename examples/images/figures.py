"""Figures of images, drawn with Matplotlib from NumPy arrays.

The suffix of a file decides its format, PNG or vector graphics.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray


def save_image_rows(
    path: Path,
    rows: dict[str, NDArray[np.floating]],
    image_shape: tuple[int, int],
    columns: Sequence[str] = (),
    title: str | None = None,
) -> None:
    """Draw rows of gray images, each with its label on the left.

    Args:
        path: The file; its folder is created if need be.
        rows: The images of each label, with shape `(num_columns, H * W)`.
        image_shape: The height and the width of an image.
        columns: The titles of the columns.
        title: That of the figure.
    """
    num_columns = max(len(images) for images in rows.values())
    size = 0.6 * num_columns + 1.6, 0.6 * len(rows) + (0.9 if title else 0.5)
    figure = Figure(figsize=size, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    axes = figure.subplots(len(rows), num_columns, squeeze=False)
    for (label, images), row in zip(rows.items(), axes, strict=True):
        for axis in row:
            _frame(axis)
        for image, axis in zip(images, row, strict=False):
            _show(axis, image.reshape(image_shape))
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    for heading, axis in zip(columns, axes[0], strict=False):
        axis.set_title(heading, fontsize=9)
    figure.suptitle(title, fontsize=10) if title else None
    save_figure(figure, path)


def save_code_probs(
    path: Path,
    images: NDArray[np.floating],
    probs: NDArray[np.floating],
    variables: dict[int, str],
    image_shape: tuple[int, int],
) -> None:
    """Draw images, each with bars for the probabilities of some variables.

    A dashed line is at 1/K, the probability of each category under the prior.

    Args:
        path: The file; its folder is created if need be.
        images: The images, with shape `(N, H * W)`.
        probs: Of the categories, with shape `(N, num_variables, num_categories)`.
        variables: Which variables to draw, and the title of each.
        image_shape: The height and the width of an image.
    """
    num_categories, widths = probs.shape[-1], [1, *(2.6 for _ in variables)]
    figure = Figure(
        figsize=(0.8 * sum(widths), 0.75 * len(images) + 0.8), layout="constrained"
    )
    axes = figure.subplots(len(images), len(widths), squeeze=False, width_ratios=widths)
    for image, image_probs, (first, *row) in zip(images, probs, axes, strict=True):
        _frame(first)
        _show(first, image.reshape(image_shape))
        for variable, axis in zip(variables, row, strict=True):
            axis.bar(range(1, num_categories + 1), image_probs[variable])
            line = axis.axhline(1 / num_categories, color="C1", ls="--", lw=1)
            _scale(axis, num_categories, is_left=axis is row[0])
    for title, axis in zip(variables.values(), axes[0, 1:], strict=True):
        axis.set_title(title, fontsize=9)
    for axis in axes[-1, 1:]:
        axis.set_xlabel("category", fontsize=8)
        axis.tick_params(labelbottom=True)
    figure.supylabel("posterior probability", fontsize=9)
    label = f"1/K = {1 / num_categories:.3g}, the prior"
    figure.legend([line], [label], loc="outside lower right", fontsize=8)
    save_figure(figure, path)


def _scale(axis: Axes, num_categories: int, *, is_left: bool) -> None:
    """Probabilities from 0 to 1, with numbers on the left, and all categories."""
    axis.set(ylim=(0, 1), yticks=[0, 0.5, 1])
    few = np.linspace(1, num_categories, min(num_categories, 4)).round().astype(int)
    axis.set_xticks(few)
    axis.tick_params(labelsize=7, labelleft=is_left, labelbottom=False)
    axis.grid(axis="y", lw=0.4)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def save_traversal(
    path: Path,
    images: NDArray[np.floating],
    decoded: Sequence[NDArray[np.floating]],
    image_shape: tuple[int, int],
    variable: int,
) -> None:
    """Draw images, each beside what a variable's categories make of it.

    Args:
        path: The file; its folder is created if need be.
        images: The images, with shape `(N, H * W)`.
        decoded: For each of them one image per category.
        image_shape: The height and the width of an image.
        variable: The index of the variable, for the title.
    """
    rows = {
        f"image {number}": np.concatenate([image[None], varied])
        for number, (image, varied) in enumerate(zip(images, decoded, strict=True), 1)
    }
    columns = ["truth", *(str(1 + k) for k in range(len(decoded[0])))]
    title = (
        f"the most probable code of each image, decoded with variable {variable + 1} "
        "set to each category"
    )
    save_image_rows(path, rows, image_shape, columns, title)


def _frame(axis: Axes) -> None:
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_color("0.8")


def _show(axis: Axes, image: NDArray[np.floating]) -> None:
    axis.imshow(image, cmap="gray_r", vmin=0, vmax=1)


def save_figure(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write a figure, in a folder that is created if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi, bbox_inches="tight")
