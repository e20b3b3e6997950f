r"""Chances that the weights of broken sticks stay below a threshold.

With sticks :math:`u_k = \sigma(y_k)`, a threshold x is tabulated by
:math:`b = -\log x`, at points that are denser near b = 0.
"""

import math
from functools import reduce
from operator import add

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.nn import logsumexp, softplus
from jax.scipy.special import ndtr

from numpyro_igr._numerics.truncated_nodes import REACH, nodes_below


def thresholds(loc: Array, scale: Array, num_points: int, *, remainder: bool) -> Array:
    r"""Points b up to the smallest threshold that the largest weight can be.

    The largest of K weights is at least 1 / K. Without the remainder, all weights are
    below x only if :math:`x > 1 / (n + e^{-y_k})` for every k.

    Shape:
        ``loc``, ``scale``: ``(n,) + batch``; result ``batch + (num_points,)``.
    """
    n = len(loc)
    loc, scale = lax.stop_gradient((loc, scale))
    lowest = (loc - (REACH + 1) * scale).max(0)
    last = jnp.logaddexp(-lowest, math.log(n))
    last = jnp.full_like(last, math.log(n + 1)) if remainder else last
    return last[..., None] * jnp.linspace(0, 1, num_points, dtype=last.dtype) ** 2


def interpolate(table: Array, points: Array, b: Array) -> Array:
    """Values at b of a function that is tabulated at points, by a cubic.

    Shape:
        ``table``, ``points``: ``batch + (num_points,)``; ``b`` and result:
        ``batch + (m,)``. No gradient flows to ``b``.
    """
    steps = points.shape[-1] - 1
    at = steps * jnp.sqrt(jnp.clip(lax.stop_gradient(b) / points[..., -1:], 0, 1))
    first = jnp.clip(jnp.floor(at), 1, steps - 2)
    f = at - first
    first = first.astype(int) - 1
    weights = (
        f * (f - 1) * (2 - f) / 6,
        (f + 1) * (f - 1) * (f - 2) / 2,
        (f + 1) * f * (2 - f) / 2,
        (f + 1) * f * (f - 1) / 6,
    )
    terms = (
        w * jnp.take_along_axis(table, first + i, -1) for i, w in enumerate(weights)
    )
    return reduce(add, terms)


def log_chances_before(
    loc: Array, scale: Array, points: Array, num_nodes: int
) -> Array:
    r"""Log of :math:`F_k(x)`, that the first k weights are below x times the rest.

    .. math::
        F_k(b) = \int_{y < -b} N(y; \mu_k, \sigma_k^2) F_{k-1}(b + \log(1 + e^y)) dy

    Shape:
        ``loc``, ``scale``: ``(n,) + batch``; ``points``: ``batch + (num_points,)``;
        result, from :math:`F_0 = 1` on: ``(n + 1,) + batch + (num_points,)``.
    """
    b, endless = points, jnp.full_like(points, -jnp.inf)

    def break_stick(log_f: Array, stick: tuple[Array, Array]) -> tuple[Array, Array]:
        loc, scale = (x[..., None] for x in stick)
        y, log_weights = nodes_below(loc, scale, -b, endless, num_nodes)
        earlier = _interpolate_rows(log_f, points, b[..., None] + softplus(y))
        return logsumexp(log_weights + earlier, -1), log_f

    last, tables = lax.scan(break_stick, jnp.zeros_like(b), (loc, scale))
    return jnp.concatenate([tables, last[None]])


def chances_after(
    loc: Array, scale: Array, points: Array, num_nodes: int, *, remainder: bool
) -> Array:
    r""":math:`G_k(x)`, that weights k to K are below x times the stick before them.

    .. math::
        G_k(b) = [\Phi_k(t) - \Phi_k(-t)]_+
        + \int_{y < -|t|} N(y; \mu_k, \sigma_k^2) G_{k+1}(b - \log(1 + e^y)) dy,
        \qquad t = -\log(e^b - 1)

    Without the remainder, weight K is left out. The integral begins where
    :math:`G_{k+1}` ends: m weights are all below x only if x > 1 / m.

    Shape:
        ``loc``, ``scale``: ``(n,) + batch``; ``points``: ``batch + (num_points,)``;
        result, :math:`G_2` to :math:`G_K = 1`: ``(n,) + batch + (num_points,)``.
    """
    n, b, ones = len(loc), points[..., 1:], jnp.ones_like(points)
    t = -_log_expm1(b)

    def cdf(t: Array, stick: tuple[Array, Array]) -> Array:
        return ndtr((t - stick[0][..., None]) / stick[1][..., None])

    def add_stick(g: Array, stick: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        loc, scale, end = stick
        lower = _log_expm1(jnp.maximum(b - end, 0))
        at = loc[..., None], scale[..., None]
        y, log_weights = nodes_below(*at, -abs(t), lower, num_nodes)
        later = _interpolate_rows(g, points, b[..., None] - softplus(y))
        later = (jnp.exp(log_weights) * jnp.clip(later, 0, 1)).sum(-1)
        inner = jnp.maximum(cdf(t, (loc, scale)) - cdf(-t, (loc, scale)), 0)
        g = jnp.concatenate([ones[..., :1], inner + later], -1)
        return g, g

    if n == 1:
        return ones[None]
    # Negative beyond its end, so that the interpolation finds that end.
    last = cdf(t, (loc[-1], scale[-1]))
    last = last - cdf(-t, (loc[-1], scale[-1])) if remainder else last
    last = jnp.concatenate([ones[..., :1], last], -1)
    ends = np.log(np.arange(n - 1, 1, -1)) if remainder else np.full(n - 2, np.inf)
    sticks = loc[1:-1], scale[1:-1], jnp.asarray(ends, loc.dtype)
    _, tables = lax.scan(add_stick, last, sticks, reverse=True)
    return jnp.concatenate([tables, last[None], ones[None]])


def _interpolate_rows(table: Array, points: Array, b: Array) -> Array:
    flat = interpolate(table, points, b.reshape(*b.shape[:-2], math.prod(b.shape[-2:])))
    return flat.reshape(b.shape)


def _log_expm1(x: Array) -> Array:
    return x + jnp.log(-jnp.expm1(-x))
