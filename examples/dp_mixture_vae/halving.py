"""Codes of one component in two halves, in NumPy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import gammaln
from sklearn.cluster import KMeans


class Halves(NamedTuple):
    """A component in two.

    Args:
        means: Of the codes of each half, with shape `(2, latent)`.
        shares: Of the images.
        gain: What the bound of the images gains by them, in nats.
    """

    means: NDArray[np.floating]
    shares: NDArray[np.floating]
    gain: float

    def nearest_mean(self, codes: NDArray[np.floating]) -> NDArray[np.floating]:
        """The mean of the half that each code is nearest to."""
        return self.means[cdist(codes, self.means).argmin(1)]


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
    found = KMeans(2, n_init=10, random_state=0).fit(some)
    distances = found.transform(others) ** 2
    counts = np.bincount(distances.argmin(1), minlength=2)
    whole = ((others - some.mean(0)) ** 2).sum(1)
    log_ratio = np.log(concentration) + gammaln(counts).sum() - gammaln(len(others))
    gain = np.sum(whole - distances.min(1)) / 2 + log_ratio if counts.all() else -np.inf
    return Halves(found.cluster_centers_, counts / len(others), float(gain))
