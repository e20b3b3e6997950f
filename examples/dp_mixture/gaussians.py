r"""Gaussians as regressions, and their posterior given points, in closed form.

A Gaussian with any covariance is a chain of regressions, of each coordinate on those
before it,

.. math::
    x_j = \sum_{i<j} b_{ji} x_i + c_j + \tau_j^{-1/2} \epsilon_j

with independent rows, and a Normal-Wishart distribution of mean and precision matrix is

.. math::
    \tau_j \sim Gamma((\nu - d + j) / 2, s / 2), \qquad
    b_{ji} \sim N(0, 1 / (s \tau_j)), \qquad c_j \sim N(0, 1 / (\kappa \tau_j))

so that the hosts have the KL of each factor. The posterior given points has the same
form, with a full covariance of the coefficients of a row.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

Array = NDArray[np.floating]
LOG_2_PI = np.log(2 * np.pi)


class Base(NamedTuple):
    """The distribution that a new component is drawn from.

    Args:
        dim: The dimension d of the points.
        variance: Of the coordinates, on average.
        shrinkage: The points that the mean zero counts for, kappa.
        within: The share of the variance that is expected within a component.
    """

    dim: int
    variance: float
    shrinkage: float = 0.1
    within: float = 0.3

    @property
    def spread(self) -> float:
        """The scale s of the Wishart distribution of d + 2 degrees of freedom."""
        return self.within * (self.dim + 2) * self.variance

    @property
    def shape(self) -> Array:
        """Of the precisions of the rows."""
        return (3 + np.arange(self.dim)) / 2

    @property
    def rate(self) -> Array:
        """Of the precisions of the rows."""
        return np.full(self.dim, self.spread / 2)

    @property
    def scale(self) -> Array:
        """Of coefficients at a precision of 1, the offset last."""
        return np.append(np.full(self.dim, self.spread), self.shrinkage) ** -0.5


class Gaussians(NamedTuple):
    """Distributions of K components: of their precisions and of their coefficients.

    Args:
        shape: Of the precisions, `(K, d)`.
        rate: Of the precisions, `(K, d)`.
        coefficients: Their means, `(K, d, d + 1)`: of the coordinates, of which a row
            has those before it, and the offset.
        scale_tril: Of the coefficients at a precision of 1, `(K, d, d + 1, d + 1)`.
    """

    shape: Array
    rate: Array
    coefficients: Array
    scale_tril: Array

    @classmethod
    def at_prior(cls, base: Base) -> "Gaussians":
        """One component about which no point says anything."""
        rows = np.diag(base.scale)[None].repeat(base.dim, 0)
        coefficients = np.zeros((base.dim, base.dim + 1))
        prior = base.shape, base.rate, coefficients, rows
        return cls(*(x[None] for x in prior))

    def mean_log_density(self, points: Array) -> Array:
        """The expected logarithm of each component's density, `(points, K)`."""
        rows = points[:, None] * _before(points.shape[1])[:, :-1]
        rows = np.append(rows, np.ones_like(rows[..., :1]), -1)
        error = points - np.einsum("nji,kji->knj", rows, self.coefficients)
        spread = np.einsum("nji,kjil->knjl", rows, self.scale_tril, optimize=True)
        precision = (self.shape / self.rate)[:, None]
        log_precision = (digamma(self.shape) - np.log(self.rate))[:, None]
        terms = log_precision - LOG_2_PI - precision * error**2 - (spread**2).sum(-1)
        return terms.sum(-1).T / 2


def fit(base: Base, points: Array, probs: Array) -> Gaussians:
    """The posteriors given the probabilities of components, `(points, K)`."""
    return _fit(base, points, probs)[0]


def log_evidence(base: Base, points: Array, probs: Array) -> Array:
    """What each component says of its points, parameters integrated out, in nats."""
    found, log_det = _fit(base, points, probs)
    shape, rate = base.shape, base.rate
    terms = shape * np.log(rate) - gammaln(shape) + log_det
    terms += gammaln(found.shape) - found.shape * np.log(found.rate)
    return terms.sum(-1) - probs.sum(0) * base.dim * LOG_2_PI / 2


def _fit(base: Base, points: Array, probs: Array) -> tuple[Gaussians, Array]:
    """The posteriors, and half the log ratio of the determinants of their rows."""
    design = np.append(points, np.ones((len(points), 1)), 1)
    moments = np.einsum("nk,ni,nj->kij", probs, design, design, optimize=True)
    before = _before(base.dim)
    products = moments[:, :-1] * before
    precision = moments[:, None] * before[:, :, None] * before[:, None]
    precision = precision + np.diag(base.scale**-2)
    covariance = np.linalg.inv(precision)
    coefficients = np.einsum("kjil,kjl->kji", covariance, products)
    left = np.diagonal(moments, axis1=1, axis2=2)[:, :-1]
    left = left - (coefficients * products).sum(-1)
    shape = base.shape + probs.sum(0)[:, None] / 2
    scale_tril = np.linalg.cholesky(covariance)
    diagonal = np.diagonal(scale_tril, axis1=-2, axis2=-1)
    log_det = (np.log(diagonal) - np.log(base.scale)).sum(-1)
    return Gaussians(shape, base.rate + left / 2, coefficients, scale_tril), log_det


def _before(dim: int) -> Array:
    """Which coefficients a row has: those of the coordinates before, and the offset."""
    return np.tril(np.ones((dim, dim + 1)), -1) + np.eye(dim + 1)[-1]
