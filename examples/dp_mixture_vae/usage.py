"""What the guide says of images: their components, codes, and how many there are."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier
from xarray import Dataset

with warnings.catch_warnings():  # 0.23 announces release 1 once a day
    warnings.simplefilter("ignore")
    import arviz as az

MIN_SHARE, NEIGHBORS = 0.01, (3, 5, 10)


class Usage(NamedTuple):
    """What the guide says of some images.

    Args:
        probs: Of the components, with shape `(draws, images, components)`.
        needed: The components that make up most of the weights, with shape
            `(draws, images)`.
        codes: The mean codes, with shape `(images, latent)`.
    """

    probs: NDArray[np.floating]
    needed: NDArray[np.integer]
    codes: NDArray[np.floating]

    @classmethod
    def join(cls, parts: Sequence["Usage"]) -> "Usage":
        """That of several parts of the images together."""
        probs, needed, codes = zip(*parts, strict=True)
        return cls(
            np.concatenate(probs, 1), np.concatenate(needed, 1), np.concatenate(codes)
        )

    @property
    def most_probable(self) -> NDArray[np.integer]:
        """The most probable component of each image."""
        return self.probs.mean(0).argmax(-1)

    @property
    def shares(self) -> NDArray[np.floating]:
        """The share of the images for which each component is the most probable."""
        counts = np.bincount(self.most_probable, minlength=self.probs.shape[-1])
        return counts / len(self.most_probable)

    @property
    def used(self) -> NDArray[np.integer]:
        """The components with a share of at least a hundredth, the largest first."""
        order = np.argsort(-self.shares, kind="stable")
        return order[self.shares[order] >= MIN_SHARE]


def neighbor_errors(
    codes: NDArray[np.floating],
    labels: NDArray[np.integer],
    test_codes: NDArray[np.floating],
    test_labels: NDArray[np.integer],
) -> dict[int, float]:
    """Shares of test codes whose k nearest neighbors vote for a wrong label, by k.

    Source: The evaluation of Nalisnick, Hertel and Smyth (2016).
    """
    errors = {}
    for number in NEIGHBORS:
        classifier = KNeighborsClassifier(number).fit(codes, labels)
        errors[number] = 1 - float(classifier.score(test_codes, test_labels))
    return errors


def component_posterior(usage: Usage, seed: int) -> Dataset:
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
    draws = {"needed": needed, "occupied": occupied}
    return Dataset({k: (("chain", "draw"), v[None]) for k, v in draws.items()})


def _occupied(
    probs: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.integer]:
    """The number of distinct components over the images, for each draw."""
    uniform = rng.random((*probs.shape[:-1], 1))
    component = (probs.cumsum(-1) < uniform).sum(-1)
    return np.array([len(np.unique(draw)) for draw in component])


def summarize(draws: Dataset) -> str:
    """Mean, standard deviation and interval of each variable, as a table."""
    return az.summary(draws, kind="stats", round_to=2).to_string()
