"""Components with two groups, in NumPy: found by codes or by images, and split.

The codes of such a component form two clusters. As the codes already distinguish the
groups, no gradient splits it. If a hidden layer has mapped both groups to one cluster,
the images show it: their differences from the component's mean form two clusters.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge

from examples.dp_mixture_vae.components import LEVEL, BetaSticks

NUM_STARTS, MOST_PARTS = 5, 32


class Halves(NamedTuple):
    """A component in two.

    Args:
        means: Of what was divided, in each half.
        gain: What the bound of the images gains by them, in nats.
    """

    means: NDArray[np.floating]
    gain: float

    def nearest(self, codes: NDArray[np.floating]) -> NDArray[np.integer]:
        """The half whose mean each code is nearest to."""
        distances = codes @ self.means.T - (self.means**2).sum(1) / 2
        return distances.argmax(1)


def two_means(rows: NDArray[np.floating]) -> KMeans:
    """Divides by k-means, from several starts: k-means++, and the principal direction.

    The direction is that in which the rows differ most; its start are the means of
    those on either side of the middle.
    """
    found = KMeans(2, n_init=NUM_STARTS, random_state=0).fit(rows)
    centered = rows - rows.mean(0)
    direction = np.linalg.svd(centered, full_matrices=False)[2][0]
    above = centered @ direction > 0
    start = np.stack([rows[above].mean(0), rows[~above].mean(0)])
    other = KMeans(2, init=start, n_init=1).fit(rows)
    return min(found, other, key=lambda each: each.inertia_)


def halve(codes: NDArray[np.floating], concentration: float) -> Halves:
    r"""Divides codes by k-means on half of them; the others say what it gains.

    .. math::
        \frac{1}{2} \sum_i \left(|z_i - \bar{z}|^2 - \min_j |z_i - m_j|^2\right)
        + \log \frac{\alpha \Gamma(N_1) \Gamma(N_2)}{\Gamma(N_1 + N_2)}

    The first term is what the KL of the codes loses, if these stay where they are; the
    second is the logarithm of how much more probable two components are than one, by
    the Dirichlet process.

    Args:
        codes: With shape `(images, latent)`.
        concentration: The alpha of the Dirichlet process.

    Returns:
        The halves, whose gain is minus infinity if there is nothing to divide.

    Source: The second term is the ratio of priors in the split moves of Jain and Neal
        (2004).
    """
    some, others = codes[::2], codes[1::2]
    if len(np.unique(some, axis=0)) < 2:
        return Halves(np.zeros((2, codes.shape[1])), -np.inf)
    found = two_means(some)
    distances = found.transform(others) ** 2
    counts = np.bincount(distances.argmin(1), minlength=2)
    whole = ((others - some.mean(0)) ** 2).sum(1)
    log_ratio = np.log(concentration) + gammaln(counts).sum() - gammaln(len(others))
    gain = np.sum(whole - distances.min(1)) / 2 + log_ratio if counts.all() else -np.inf
    return Halves(found.cluster_centers_, float(gain))


def halve_images(images: NDArray[np.floating]) -> Halves:
    r"""Divides images as `halve` does codes, by what one mean leaves unexplained.

    .. math::
        \sum_i \left(\log \sum_j s_j p(x_i | m_j) - \log p(x_i | \bar{m})\right)
        - \log \frac{1}{\delta}

    where pixels are independent, with the means m and the shares s of half of the
    images; the others are summed over. The last term is what noise may gain.

    Args:
        images: With shape `(images, pixels)`.
    """
    some, others = images[::2], images[1::2]
    if len(np.unique(some, axis=0)) < 2 or not len(others):
        return Halves(np.zeros((2, images.shape[1])), -np.inf)
    found = two_means(some)
    parts = some, some[found.labels_ == 0], some[found.labels_ == 1]
    means = np.stack([(x.sum(0) + 0.5) / (len(x) + 1) for x in parts])
    shares = np.array([len(x) / len(some) for x in parts])
    log_probs = others @ np.log(means).T + (1 - others) @ np.log1p(-means).T
    one, *two = (log_probs + np.log(shares)).T
    gain = np.sum(np.logaddexp(*two) - one) + np.log(LEVEL)
    return Halves(found.cluster_centers_, float(gain))


class Part(NamedTuple):
    """Images of one component, and how these would be halved.

    Args:
        parent: The component.
        members: Which images.
        by_images: Whether only images tell these from others of the component.
        gain: What the bound would gain by halves, in nats.
        is_second: Which members would be in the second one.
        halves_by_images: Whether only images would tell the halves apart.
    """

    parent: int
    members: NDArray[np.integer]
    by_images: bool
    gain: float
    is_second: NDArray[np.bool_]
    halves_by_images: bool

    @classmethod
    def of(
        cls,
        parent: int,
        members: NDArray[np.integer],
        codes: NDArray[np.floating],
        images: NDArray[np.floating],
        concentration: float,
        *,
        by_images: bool = False,
    ) -> "Part":
        """That with these members, halved by codes, or else by images."""
        halves, by = halve(codes[members], concentration), codes
        if halves.gain <= 0:
            halves, by = halve_images(images[members]), images
        is_second = halves.nearest(by[members]) == 1
        gain = halves.gain if 0 < is_second.sum() < len(members) else -np.inf
        return cls(parent, members, by_images, gain, is_second, by is images)


def divide(
    components: NDArray[np.integer],
    number: int,
    codes: NDArray[np.floating],
    images: NDArray[np.floating],
    concentration: float,
) -> list[Part]:
    """Halves components, and their halves, those that gain most first.

    Until none gains, or there are twice as many, and no fewer than `MOST_PARTS`.

    Args:
        components: That of each image.
        number: How many of the components there are to halve.
        codes: With shape `(images, latent)`.
        images: With shape `(images, pixels)`.
        concentration: The alpha of the Dirichlet process.
    """
    data = codes, images, concentration
    parts = [Part.of(k, np.flatnonzero(components == k), *data) for k in range(number)]
    while len(parts) < max(MOST_PARTS, 2 * number):
        best = max(range(len(parts)), key=lambda each: parts[each].gain)
        if parts[best].gain <= 0:
            break
        part = parts.pop(best)
        by_images = part.by_images or part.halves_by_images
        for half in ~part.is_second, part.is_second:
            new = Part.of(part.parent, part.members[half], *data, by_images=by_images)
            parts.append(new)
    return sorted(parts, key=lambda each: each.parent)


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
        parents: The component that each was, or was a part of.
        means: With shape `(components, latent)`.
        sticks: The best Beta ones, given the images of each.
        weight: To add to that of the scores, with shape `(latent, features)`.
        bias: To add to that of the scores.
        tried: Those that were added.
    """

    parents: NDArray[np.integer]
    means: NDArray[np.floating]
    sticks: BetaSticks
    weight: NDArray[np.floating]
    bias: NDArray[np.floating]
    tried: list[int]


Explain = Callable[..., NDArray[np.floating]]


def split(
    encoded: Encoded,
    images: NDArray[np.floating],
    means: NDArray[np.floating],
    counts: NDArray[np.floating],
    concentration: float,
    explain: Explain,
) -> Split:
    """Splits the components that the bound may gain by, on trial.

    The scores become the mean of its part for an image of a split component, and stay
    for all others, as far as a ridge regression on the features can do both.

    Args:
        encoded: What the guide says of the images.
        images: With shape `(images, pixels)`.
        means: Of the components that have a stick.
        counts: The images that each has, those without a stick last.
        concentration: Of the prior.
        explain: Codes near some codes, of which the decoder makes means of images.
    """
    components, codes, features, scores = encoded
    parts = divide(components, len(means), codes, images, concentration)
    parents, place = np.array([each.parent for each in parts]), np.full(len(codes), -1)
    for number, each in enumerate(parts):
        place[each.members] = number
    explained = [number for number, each in enumerate(parts) if each.by_images]
    is_part = np.bincount(parents)[parents] > 1
    belongs = (place[:, None] == np.arange(len(parents))).astype(float)
    numbers = belongs.sum(0)
    belongs /= np.maximum(numbers, 1)
    new = np.where(is_part[:, None], belongs.T @ codes, means[parents])
    if explained:
        means_of_images = belongs.T[explained] @ images
        new[explained] = explain(new[explained], means_of_images, numbers[explained])
    has_part = (place >= 0) & is_part[place]
    wanted = np.where(has_part[:, None], new[place], scores)
    shares = numbers / np.maximum(np.bincount(parents, numbers)[parents], 1)
    sizes = counts[parents] * np.where(is_part, shares, 1)
    order = np.argsort(-sizes, kind="stable")
    sticks = BetaSticks.of_counts(np.append(sizes[order], counts[-1]), concentration)
    change, is_new = Ridge().fit(features, wanted - scores), np.diff(parents) == 0
    tried = np.flatnonzero(np.append(False, is_new)[order]).tolist()
    of_scores = change.coef_, change.intercept_
    return Split(parents[order], new[order], sticks, *of_scores, tried)
