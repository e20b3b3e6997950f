"""The maximum of independent Gaussians: its law, and nodes to integrate over it."""

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.nn import logsumexp
from jax.scipy.special import log_ndtr

NUM_BISECTIONS = 20


def log_cdf_and_survival(
    t: Array, loc: Array, scale: Array, log_tail: Callable = log_ndtr
) -> tuple[Array, Array]:
    r"""Logs of :math:`F(t) = \prod_j \Phi((t - \mu_j) / \sigma_j)` and 1 - F(t).

    The second is free of cancellation, however small it is:

    .. math:: 1 - \prod_j \Phi_j = \sum_j (1 - \Phi_j) \prod_{i<j} \Phi_i

    Shape: ``t`` and both results: ``batch``; ``loc``, ``scale``: ``batch + (n,)``.
    """
    u = (t[..., None] - loc) / scale
    log_phi, log_rest = _log_cdf_and_survival_of_normal(u, log_tail)
    before = log_phi.cumsum(-1) - log_phi
    return log_phi.sum(-1), logsumexp(log_rest + before, -1)


def _log_cdf_and_survival_of_normal(
    u: Array, log_tail: Callable
) -> tuple[Array, Array]:
    """Both from one special function, that of the smaller of the two."""
    right = u > 0
    smaller = log_tail(jnp.where(right, -u, u))
    larger = jnp.log1p(-jnp.exp(smaller))
    return jnp.where(right, larger, smaller), jnp.where(right, smaller, larger)


def _rough_log_ndtr(u: Array) -> Array:
    r"""Log of :math:`\Phi(u)`, to 6 percent and for u < 0, by elementary functions.

    Many times as fast as the special function. Source: a bound of Komatsu (1955).
    """
    root = jnp.sqrt(u**2 + 8 / math.pi)
    return -0.5 * u**2 - jnp.log(root - u) + 0.5 * math.log(2 / math.pi)


def log_reversed_hazards(t: Array, loc: Array, scale: Array) -> Array:
    r"""Log of :math:`r_j(t) = \phi(u_j) / (\sigma_j \Phi(u_j))`.

    Shape: ``t``: ``batch``; ``loc``, ``scale`` and result: ``batch + (n,)``.
    """
    u = (t[..., None] - loc) / scale
    return -0.5 * (u**2 + math.log(2 * math.pi)) - jnp.log(scale) - log_ndtr(u)


def quantile_panels(
    loc: Array, scale: Array, num_panels: int, num_nodes: int
) -> tuple[Array, Array]:
    r"""Gauss-Legendre nodes between quantiles of the maximum, given it is positive.

    Fixed nodes miss a maximum that lies far from 0, or one with steps of very
    unequal widths; its own quantiles do not. Neither output carries a gradient.

    Shape: ``loc``, ``scale``: ``batch + (n,)``; nodes :math:`t > 0` and log weights:
    ``(num_panels * num_nodes,) + batch``.
    """
    edges = quantile_edges(loc, scale, num_panels)
    t, log_weights = (
        x.swapaxes(0, 1) for x in nodes_between(edges[:-1], edges[1:], num_nodes)
    )
    shape = num_panels * num_nodes, *t.shape[2:]
    return t.reshape(shape), log_weights.reshape(shape)


def quantile_edges(loc: Array, scale: Array, num_panels: int) -> Array:
    """0 and quantiles of the maximum, given it is positive; without a gradient.

    Shape: ``loc``, ``scale``: ``batch + (n,)``; result ``(num_panels + 1,) + batch``.
    """
    loc, scale = lax.stop_gradient((loc, scale))
    z = np.linspace(-1, 1, num_panels + 1)[1:]
    edges = _quantiles(_first_axis(6 * z + 30 * z**5, loc[..., 0]), loc, scale)
    return jnp.concatenate([jnp.zeros_like(edges[:1]), edges])


def nodes_between(low: Array, high: Array, num_nodes: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and log weights between two bounds.

    Shape: ``low``, ``high``: ``batch``; results ``(num_nodes,) + batch``.
    """
    half = (high - low) / 2
    nodes, weights = np.polynomial.legendre.leggauss(num_nodes)
    t = low + half * _first_axis(nodes + 1, half)
    return t, jnp.log(half) + _first_axis(np.log(weights), half)


def _first_axis(values: np.ndarray, batch: Array) -> Array:
    return jnp.asarray(values, batch.dtype).reshape(-1, *[1] * batch.ndim)


def _quantiles(levels: Array, loc: Array, scale: Array) -> Array:
    """Where the logit of the CDF, given a positive maximum, crosses each level.

    Of G = (F - F(0)) / (1 - F(0)), the logit is log (F - F(0)) - log (1 - F). Roughly:
    what is integrated between them is exact wherever they lie.
    """
    zero = jnp.zeros_like(loc[..., 0])
    log_cdf_0, log_survival_0 = log_cdf_and_survival(zero, loc, scale, _rough_log_ndtr)

    def bisect(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        log_f, log_s = log_cdf_and_survival(middle, loc, scale, _rough_log_ndtr)
        log_mass = jnp.where(
            log_f < log_s,
            log_f + _log1mexp(log_cdf_0 - log_f),
            log_survival_0 + _log1mexp(log_s - log_survival_0),
        )
        below = log_mass - log_s < levels
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    shape = jnp.broadcast_shapes(levels.shape, zero.shape)
    high = jnp.broadcast_to(_far_in_the_tail(loc, scale), shape)
    low, high = lax.fori_loop(0, NUM_BISECTIONS, bisect, (jnp.zeros_like(high), high))
    return (low + high) / 2


def _far_in_the_tail(loc: Array, scale: Array) -> Array:
    """A point beyond which less than e^-40 of the positive mass lies."""
    u = jnp.maximum(-loc / scale, 0)
    far = jnp.sqrt(u**2 + 80 + 2 * math.log(loc.shape[-1]))
    return (loc + scale * far).max(-1)


def _log1mexp(x: Array) -> Array:
    return jnp.log(-jnp.expm1(jnp.minimum(x, 0)))
