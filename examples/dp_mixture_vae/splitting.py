"""Components that hold two groups, found in NumPy.

The codes of such a component lie in two heaps, and carry what tells the groups apart:
no gradient splits it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from examples.dp_mixture_vae.beta_sticks import BetaSticks
from examples.dp_mixture_vae.halving import halve


class Encoded(NamedTuple):
    """What the guide says of images.

    Args:
        components: The most probable one of each.
        codes: The mean codes, given that component, with shape `(images, latent)`.
        features: What the scores are linear in, with shape `(images, features)`.
        scores: Of which the products with its mean favor a component, with shape
            `(images, latent)`.
    """

    components: NDArray[np.integer]
    codes: NDArray[np.floating]
    features: NDArray[np.floating]
    scores: NDArray[np.floating]


class Split(NamedTuple):
    """Components of which some were split, the largest first.

    Args:
        parents: The component that each was, or was a half of.
        means: With shape `(components, latent)`.
        sticks: The best Beta laws, given the images of each.
        weight: To add to that of the scores, with shape `(latent, features)`.
        bias: To add to that of the scores.
    """

    parents: NDArray[np.integer]
    means: NDArray[np.floating]
    sticks: BetaSticks
    weight: NDArray[np.floating]
    bias: NDArray[np.floating]


def split(
    encoded: Encoded,
    means: NDArray[np.floating],
    counts: NDArray[np.floating],
    most: int,
    concentration: float,
) -> Split:
    """Splits the components that the bound gains by, those that gain most first.

    The scores become the mean of its half for an image of a split component, and stay
    for all others, as far as a ridge regression on the features can do both.

    Args:
        encoded: What the guide says of the images.
        means: Of the components that have a stick.
        counts: The images that each has, those without a stick last.
        most: The components that there can be.
        concentration: Of the prior.
    """
    components, codes, features, scores = encoded
    halves = [halve(codes[components == k], concentration) for k in range(len(means))]
    gains = np.array([each.gain for each in halves])
    found = np.argsort(-gains)[: min(np.sum(gains > 0), most - len(means))]
    parents = np.append(np.arange(len(means)), found)
    means, sizes, wanted = means[parents], counts[parents], scores.copy()
    for place, k in enumerate(found, len(halves)):
        both, of_k = [k, place], components == k
        means[both], sizes[both] = halves[k].means, halves[k].shares * counts[k]
        wanted[of_k] = halves[k].nearest_mean(codes[of_k])
    order = np.argsort(-sizes, kind="stable")
    sticks = BetaSticks.of_counts(np.append(sizes[order], counts[-1]), concentration)
    change = Ridge().fit(features, wanted - scores)
    return Split(parents[order], means[order], sticks, change.coef_, change.intercept_)
