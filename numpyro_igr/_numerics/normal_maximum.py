"""The maximum of independent Gaussians: its distribution."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax
from jax.nn import logsumexp

from numpyro_igr._numerics.normal import log_ndtr, log_ndtr_and_hazard

# Nine standard deviations below its mean a Gaussian has e^-40 of its mass.
REACH = 9.0


def log_cdf_and_survival(
    t: Array, loc: Array, scale: Array, log_tail: Callable = log_ndtr
) -> tuple[Array, Array]:
    r"""Logs of :math:`F(t) = \prod_j \Phi((t - \mu_j) / \sigma_j)` and 1 - F(t).

    The second is free of cancellation, however small it is:

    .. math:: 1 - \prod_j \Phi_j = \sum_j (1 - \Phi_j) \prod_{i<j} \Phi_i

    Shape:
        ``t`` and both results: ``batch``; ``loc``, ``scale``: ``batch + (n,)``.
    """
    u = (t[..., None] - loc) / scale
    log_phi, log_rest = _log_cdf_and_survival_of_normal(u, log_tail)
    before = log_phi.cumsum(-1) - log_phi
    return log_phi.sum(-1), log_sum(log_rest + before, -1)


def log_sum(x: Array, dim: int) -> Array:
    """Log of a sum of exponentials; its gradient is a mean, however large x is.

    That needs the weights to be normalised themselves: where x is -1e8 in float32, the
    logarithm of their sum is lost beside it.
    """
    return logsumexp(x, dim)


def _log_cdf_and_survival_of_normal(
    u: Array, log_tail: Callable
) -> tuple[Array, Array]:
    """Both from one special function, that of the smaller of the two."""
    right = u > 0
    smaller = log_tail(jnp.where(right, -u, u))
    larger = jnp.log1p(-jnp.exp(smaller))
    return jnp.where(right, larger, smaller), jnp.where(right, smaller, larger)


def log_reversed_hazards(t: Array, loc: Array, scale: Array) -> Array:
    r"""Log of :math:`r_j(t) = \phi(u_j) / (\sigma_j \Phi(u_j))`.

    Shape:
        ``t``: ``batch``; ``loc``, ``scale`` and result: ``batch + (n,)``.
    """
    return log_cdf_and_hazards(t, loc, scale)[1]


def log_cdf_and_hazards(t: Array, loc: Array, scale: Array) -> tuple[Array, Array]:
    r"""Log of :math:`F(t)`, and :func:`log_reversed_hazards`.

    Shape:
        ``t`` and the first result: ``batch``; the others: ``batch + (n,)``.
    """
    log_phi, log_hazard = log_ndtr_and_hazard((t[..., None] - loc) / scale)
    return log_phi.sum(-1), log_hazard - jnp.log(scale)


def from_the_maximum(loc: Array, scale: Array) -> tuple[Array, Array]:
    """Means, and 0, measured from a point below all but e^-40 of the maximum.

    Around a maximum that lies far from 0 the floats are sparse.

    Shape:
        ``loc``, ``scale`` and the first result: ``batch + (n,)``; the second, which is
        not positive and has no gradient: ``batch``.
    """
    low = lax.stop_gradient(jnp.maximum((loc - REACH * scale).max(-1), 0))
    return loc - low[..., None], -low
