"""Figures of images, drawn with Matplotlib from NumPy arrays."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray


def save_image_rows(
    path: Path,
    rows: dict[str, NDArray[np.floating]],
    image_shape: tuple[int, int],
) -> None:
    """Draw rows of gray images, each with its label on the left, as a PNG.

    Args:
        path: The file; its folder is created if need be.
        rows: The images of each label, with shape `(num_columns, H * W)`.
        image_shape: The height and the width of an image.
    """
    num_columns = max(len(images) for images in rows.values())
    figure = Figure(figsize=(0.6 * num_columns + 1.6, 0.6 * len(rows) + 0.5))
    axes = figure.subplots(len(rows), num_columns, squeeze=False)
    for (label, images), row in zip(rows.items(), axes, strict=True):
        for image, axis in zip(images, row, strict=False):
            axis.imshow(image.reshape(image_shape), cmap="gray_r", vmin=0, vmax=1)
        for axis in row:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_color("0.8")
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    figure.subplots_adjust(wspace=0.06, hspace=0.06)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, bbox_inches="tight")
