"""The posterior of the number of components, through ArviZ."""

from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
from arviz import InferenceData
from numpy.typing import NDArray

from examples.dp_mixture_vae.usage import Usage


def component_posterior(usage: Usage, seed: int) -> InferenceData:
    """Draws of the number of components, in two senses.

    - `needed`: the components that make up most of the weights of an image.
    - `occupied`: the components that the images belong to, one drawn for each.

    Args:
        usage: What the guide says of the images.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    needed = rng.permuted(usage.needed, axis=1)[:, 0]
    occupied = _occupied(usage.probs, rng)
    return az.from_dict(posterior={"needed": needed[None], "occupied": occupied[None]})


def _occupied(
    probs: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.integer]:
    """The number of distinct components over the images, for each draw."""
    uniform = rng.random((*probs.shape[:-1], 1))
    component = (probs.cumsum(-1) < uniform).sum(-1)
    return np.array([len(np.unique(draw)) for draw in component])


def summarize(posterior: InferenceData) -> str:
    """Mean, standard deviation and interval of both numbers."""
    return az.summary(posterior, kind="stats", round_to=2).to_string()


def save_posterior(path: Path, posterior: InferenceData) -> None:
    """Draw the posterior of both numbers as a PNG."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3))
    for name, axis in zip(posterior.posterior, axes, strict=True):
        az.plot_dist(posterior.posterior[name].to_numpy(), ax=axis)
        axis.set_xlabel(f"components {name}", fontsize=10)
        axis.set_ylabel("posterior probability", fontsize=10)
        axis.tick_params(labelsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)
