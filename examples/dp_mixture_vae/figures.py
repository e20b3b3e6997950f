"""Figures of the components of a mixture VAE: which, how many, and since when."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from xarray import Dataset

from examples.dp_mixture_vae.judging import KINDS
from examples.dp_mixture_vae.record import Record
from examples.dp_mixture_vae.usage import MIN_SHARE, Usage, component_posterior
from examples.images.figures import save_figure, save_image_rows

NUM_ROWS, NUM_IMAGES = 15, 4
MEANINGS = {
    "capacity": "those with parameters",
    "needed": "as many as cover a share --rho of the weights",
    "used": f"the most probable one for at least {MIN_SHARE:.0%} of images",
    "occupied": "those that the images belong to",
}


def save_posterior(path: Path, posterior: Dataset) -> None:
    """Draw the posterior of both numbers, with the same axes."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    senses = [(name, MEANINGS[name]) for name in posterior]
    for (name, meaning), axis in zip(senses, axes, strict=True):
        counts = np.bincount(posterior[name].to_numpy().ravel())
        edges = np.arange(len(counts) + 1) - 0.5
        axis.stairs(counts / counts.sum(), edges, fill=True, alpha=0.4)
        axis.set_title(f"{name}: {meaning}", fontsize=8)
        axis.set_xlabel("components")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylabel("posterior probability")
    save_figure(figure, path)


def save_components(
    path: Path,
    shape: tuple[int, int],
    usage: Usage,
    images: NDArray[np.floating],
    decoded: NDArray[np.floating],
) -> None:
    """Draw a row for each used component: images, prototype and samples.

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
        row = [own, blank[len(own) :], decoded[component]]
        name = f"{component + 1}: {usage.shares[component]:.0%} of images"
        rows[name] = np.concatenate(row)
    titles = ["truth"] * NUM_IMAGES + ["mean"] + ["sample"] * (decoded.shape[1] - 1)
    title = f"the used components: {MEANINGS['used']}"
    save_image_rows(path, rows, shape, titles, title)


def save_growth(path: Path, record: Record) -> None:
    """Draw the number of components over the epochs, and what each move did."""
    growth = record.growth
    figure = Figure(figsize=(7, 6), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    edges = np.arange(len(growth) + 1) + 0.5
    for name, line in ("capacity", ":"), ("needed", "--"), ("used", "-"):
        values, label = [getattr(each, name) for each in growth], MEANINGS[name]
        top.stairs(values, edges, baseline=None, ls=line, label=f"{name}: {label}")
    top.set(ylabel="components", ylim=(0, None))
    for kind, marker in zip(range(len(KINDS)), "vo^", strict=True):
        moves = [each for each in record.moves if each.kind == kind]
        epochs = [each.num_epochs for each in moves]
        bounds = [(each.before, each.after) for each in moves]
        label = f"{KINDS[kind]}: the bound of held-out images, from before to after"
        bottom.vlines(epochs, *np.reshape(bounds, (-1, 2)).T, color=f"C{3 + kind}")
        after = [each.after for each in moves]
        bottom.plot(epochs, after, marker, color=f"C{3 + kind}", ms=4, label=label)
    bottom.set(xlabel="epoch", ylabel="nats per image")
    for numbers in bottom.xaxis, top.yaxis:
        numbers.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower center", fontsize=8)
    save_figure(figure, path)


def save_figures(
    figure: Callable[[str], Path],
    shape: tuple[int, int],
    usage: Usage,
    record: Record,
    images: NDArray[np.floating],
    decoded: NDArray[np.floating],
    seed: int,
) -> None:
    """Draw components, their growth and the posterior of their number.

    Args:
        figure: The file of a figure, by its name.
        shape: The height and the width of an image.
        usage: What the guide says of the images.
        record: What was done to the components.
        images: The images.
        decoded: The prototype and then samples of each component.
        seed: Of the draws of the posterior.
    """
    save_components(figure("components"), shape, usage, images, decoded)
    save_growth(figure("growth"), record)
    save_posterior(figure("posterior"), component_posterior(usage, seed))
