"""The parameters of the guide of a mixture of Gaussians, and where they start."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, logsumexp, polygamma

from examples.dp_mixture.gaussians import Base, fit

Array = NDArray[np.floating]
PRIOR = (1.0, 1.0)  # shape and rate of the concentration
LOG_ALPHA = np.linspace(-15, 6, 500)


class Parameters(NamedTuple):
    """Those of the guide, for n sticks with a component each, the largest first.

    The logit of a stick is `loc + follow * l` on average, where l is that of the tail
    at the concentration drawn, so that a stick without points says nothing of it.

    Args:
        concentration: The shape and the rate of the concentration.
        loc: Of the sticks, `(n,)`.
        follow: In which part they follow the tail, `(n,)`.
        scale: Of their logits, in units of that of the tail, `(n,)`.
        shape: As in `Gaussians`, and so are the others.
        rate: Of the precisions.
        coefficients: Their means.
        scale_tril: Of the coefficients.
    """

    concentration: Array
    loc: Array
    follow: Array
    scale: Array
    shape: Array
    rate: Array
    coefficients: Array
    scale_tril: Array

    @property
    def num_sticks(self) -> int:
        """The number n."""
        return len(self.loc)

    @classmethod
    def of_probs(cls, base: Base, points: Array, probs: Array) -> "Parameters":
        """The best ones or nearly, given probabilities of components, `(points, n)`.

        Sticks have the moments of the logits of the best Beta ones.
        """
        probs = probs[:, np.argsort(-probs.sum(0), kind="stable")]
        counts = probs.sum(0)
        concentration = concentration_of(len(counts), len(points))
        alpha = concentration[0] / concentration[1]
        second = alpha + counts[::-1].cumsum()[::-1] - counts
        follow = polygamma(1, second) / polygamma(1, alpha)
        loc = digamma(1 + counts) - digamma(second)
        loc -= follow * (digamma(1) - digamma(alpha))
        variance = polygamma(1, 1 + counts) + polygamma(1, second)
        scale = np.sqrt(variance / (polygamma(1, 1) + polygamma(1, alpha)))
        found = concentration, loc, follow, scale, *fit(base, points, probs)
        return cls(*(x.astype(np.float32) for x in found))


def concentration_of(num_groups: int, num_points: int) -> Array:
    """The Gamma with the moments of its posterior given so many groups."""
    log_joint = _log_joint(num_groups, num_points)
    weights = np.exp(log_joint - logsumexp(log_joint))
    mean = weights @ np.exp(LOG_ALPHA)
    variance = weights @ np.exp(LOG_ALPHA) ** 2 - mean**2
    return np.array([mean**2, mean]) / variance


@cache
def log_prior_of_number(num_groups: int, num_points: int) -> float:
    r"""The log probability of a partition but for its sizes, in nats.

    That of a partition with sizes n is :math:`\prod_k \Gamma(n_k)` times this, which
    has the concentration integrated out.
    """
    step = np.log(LOG_ALPHA[1] - LOG_ALPHA[0])
    return float(logsumexp(_log_joint(num_groups, num_points)) + step)


def _log_joint(num_groups: int, num_points: int) -> Array:
    """Of the logarithm of the concentration on a grid, and of a partition."""
    alpha, (shape, rate) = np.exp(LOG_ALPHA), PRIOR
    terms = (shape + num_groups) * LOG_ALPHA - rate * alpha - gammaln(shape)
    terms += shape * np.log(rate) + gammaln(alpha) - gammaln(alpha + num_points)
    return terms
