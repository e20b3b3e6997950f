"""Figures of images, drawn with Matplotlib from NumPy arrays."""

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
) -> None:
    """Draw rows of gray images, each with its label on the left, as a PNG.

    Args:
        path: The file; its folder is created if need be.
        rows: The images of each label, with shape `(num_columns, H * W)`.
        image_shape: The height and the width of an image.
        columns: The titles of the columns.
    """
    num_columns = max(len(images) for images in rows.values())
    figure = Figure(figsize=(0.6 * num_columns + 1.6, 0.6 * len(rows) + 0.5))
    axes = figure.subplots(len(rows), num_columns, squeeze=False)
    for (label, images), row in zip(rows.items(), axes, strict=True):
        for axis in row:
            _frame(axis)
        for image, axis in zip(images, row, strict=False):
            _show(axis, image.reshape(image_shape))
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    for title, axis in zip(columns, axes[0], strict=False):
        axis.set_title(title, fontsize=9)
    figure.subplots_adjust(wspace=0.06, hspace=0.06)
    save_figure(figure, path)


def save_code_probs(
    path: Path,
    images: NDArray[np.floating],
    probs: NDArray[np.floating],
    variables: Sequence[int],
    image_shape: tuple[int, int],
) -> None:
    """Draw images, each with bars for the probabilities of some variables, as a PNG.

    Args:
        path: The file; its folder is created if need be.
        images: The images, with shape `(N, H * W)`.
        probs: Of the categories, with shape `(N, num_variables, num_categories)`.
        variables: Which variables to draw.
        image_shape: The height and the width of an image.
    """
    widths = [1, *(3 for _ in variables)]
    figure = Figure(figsize=(0.7 * sum(widths), 0.7 * len(images)))
    axes = figure.subplots(len(images), len(widths), squeeze=False, width_ratios=widths)
    for image, image_probs, (first, *row) in zip(images, probs, axes, strict=True):
        _frame(first)
        _show(first, image.reshape(image_shape))
        for variable, axis in zip(variables, row, strict=True):
            _frame(axis)
            axis.bar(range(1, probs.shape[-1] + 1), image_probs[variable])
            axis.set_ylim(0, 1)
    for variable, axis in zip(variables, axes[0, 1:], strict=True):
        axis.set_title(f"variable {variable + 1}", fontsize=9)
    for axis in axes[-1, 1:]:
        axis.set_xticks([1, probs.shape[-1]])
    save_figure(figure, path)


def save_traversal(
    path: Path,
    images: NDArray[np.floating],
    decoded: Sequence[NDArray[np.floating]],
    image_shape: tuple[int, int],
) -> None:
    """Draw images, each beside what a variable's categories make of it, as a PNG.

    Args:
        path: The file; its folder is created if need be.
        images: The images, with shape `(N, H * W)`.
        decoded: For each of them one image per category.
        image_shape: The height and the width of an image.
    """
    rows = {
        f"image {number}": np.concatenate([image[None], varied])
        for number, (image, varied) in enumerate(zip(images, decoded, strict=True), 1)
    }
    columns = ["given", *(str(1 + k) for k in range(len(decoded[0])))]
    save_image_rows(path, rows, image_shape, columns)


def _frame(axis: Axes) -> None:
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_color("0.8")


def _show(axis: Axes, image: NDArray[np.floating]) -> None:
    axis.imshow(image, cmap="gray_r", vmin=0, vmax=1)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, in a folder that is created if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, bbox_inches="tight")
