"""Figures of the components of a mixture, drawn from NumPy arrays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from examples.dp_mixture_vae.component_posterior import (
    component_posterior,
    save_posterior,
)
from examples.dp_mixture_vae.report import Growth
from examples.dp_mixture_vae.usage import Usage
from examples.images.figures import save_image_rows

NUM_ROWS, NUM_IMAGES = 15, 4


def save_components(
    path: Path,
    shape: tuple[int, int],
    usage: Usage,
    images: NDArray[np.floating],
    decoded: NDArray[np.floating],
) -> None:
    """Draw a row for each used component: prototype, samples and images, as a PNG.

    Args:
        path: The file; its folder is created if need be.
        shape: The height and the width of an image.
        usage: What the guide says of the images.
        images: The images, with shape `(N, H * W)`.
        decoded: The prototype and then samples of each component, with shape
            `(components, columns, H * W)`.
    """
    rows, blank = {}, np.zeros((NUM_IMAGES, images.shape[-1]))
    for component in usage.used[:NUM_ROWS]:
        own = images[usage.most_probable == component][:NUM_IMAGES]
        row = [decoded[component], own, blank[len(own) :]]
        rows[f"{component}: {usage.shares[component]:.0%}"] = np.concatenate(row)
    num_samples = decoded.shape[1] - 1
    titles = ["mean", *["sample"] * num_samples, *["test"] * NUM_IMAGES]
    save_image_rows(path, rows, shape, titles)


def save_growth(path: Path, growth: Sequence[Growth]) -> None:
    """Draw the number of components over the epochs, as a PNG."""
    figure = Figure(figsize=(6, 3.5))
    axis = figure.subplots()
    epochs = range(1, len(growth) + 1)
    for name, line in ("capacity", ":"), ("needed", "--"), ("used", "-"):
        axis.plot(epochs, [getattr(each, name) for each in growth], line, label=name)
    axis.set(xlabel="epoch", ylabel="components", ylim=(0, None))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, bbox_inches="tight")


def save_figures(
    folder: Path,
    shape: tuple[int, int],
    usage: Usage,
    growth: Sequence[Growth],
    images: NDArray[np.floating],
    decoded: NDArray[np.floating],
    seed: int,
) -> None:
    """Draw components, their growth and the posterior of their number.

    Args:
        folder: Where to, created if need be.
        shape: The height and the width of an image.
        usage: What the guide says of the images.
        growth: The number of components over the epochs.
        images: The images.
        decoded: The prototype and then samples of each component.
        seed: Of the draws of the posterior.
    """
    save_components(folder / "components.png", shape, usage, images, decoded)
    save_growth(folder / "growth.png", growth)
    save_posterior(folder / "posterior.png", component_posterior(usage, seed))
