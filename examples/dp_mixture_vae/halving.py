"""Codes or images of a component in two halves, and what these gain, in NumPy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from sklearn.cluster import KMeans

from examples.dp_mixture_vae.fitting import LEVEL

NUM_STARTS = 5


class Halves(NamedTuple):
    """A component in two.

    Args:
        means: Of what was divided, in each half.
        shares: Of the images.
        gain: What the bound of the images gains by them, in nats.
    """

    means: NDArray[np.floating]
    shares: NDArray[np.floating]
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
        return Halves(np.zeros((2, codes.shape[1])), np.ones(2) / 2, -np.inf)
    found = two_means(some)
    distances = found.transform(others) ** 2
    counts = np.bincount(distances.argmin(1), minlength=2)
    whole = ((others - some.mean(0)) ** 2).sum(1)
    log_ratio = np.log(concentration) + gammaln(counts).sum() - gammaln(len(others))
    gain = np.sum(whole - distances.min(1)) / 2 + log_ratio if counts.all() else -np.inf
    return Halves(found.cluster_centers_, counts / len(others), float(gain))


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
        return Halves(np.zeros((2, images.shape[1])), np.ones(2) / 2, -np.inf)
    found = two_means(some)
    parts = some, some[found.labels_ == 0], some[found.labels_ == 1]
    means = np.stack([(x.sum(0) + 0.5) / (len(x) + 1) for x in parts])
    shares = np.array([len(x) / len(some) for x in parts])
    log_probs = others @ np.log(means).T + (1 - others) @ np.log1p(-means).T
    one, *two = (log_probs + np.log(shares)).T
    gain = np.sum(np.logaddexp(*two) - one) + np.log(LEVEL)
    return Halves(found.cluster_centers_, shares[1:], float(gain))
