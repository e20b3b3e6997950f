"""Nodes to integrate over the maximum of independent Gaussians."""

import math
from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from numpyro_igr._numerics.bulk_nodes import bulk_nodes
from numpyro_igr._numerics.normal_maximum import from_the_maximum, log_cdf_and_survival
from numpyro_igr._numerics.truncated_nodes import nodes_between

# Enough for a millionth of the range: panels need not lie at quantiles exactly.
NUM_BISECTIONS = 20


def panel_nodes(
    loc: Array, scale: Array, panels: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """Means from a point below the maximum, nodes between its quantiles, log weights.

    Nodes and the point of reference carry no gradient.

    Shape:
        ``loc``, ``scale`` and the first result: ``batch + (n,)``; the others:
        ``nodes + batch``.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        panels: how many there are, and nodes in each.
    """
    num_panels, num_nodes = panels
    loc, floor = from_the_maximum(loc, scale)
    edges = quantile_edges(loc, scale, floor, num_panels)
    nodes = nodes_between(edges[:-1], edges[1:], num_nodes)
    shape = math.prod(panels), *floor.shape
    t, log_weights = (x.swapaxes(0, 1).reshape(shape) for x in nodes)
    return loc, t, log_weights


def nodes_of_few(
    is_easy: Array, loc: Array, scale: Array, panels: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """As :func:`panel_nodes`, but as many nodes over the bulk if that is easy.

    Args:
        is_easy: whether they do for every distribution.
        loc: means of the Gaussians.
        scale: their standard deviations.
        panels: how many there are, and nodes in each.
    """

    def over_bulk(loc: Array, scale: Array) -> tuple[Array, ...]:
        loc, *nodes = bulk_nodes(loc, scale, math.prod(panels))
        return loc, *(jnp.moveaxis(x, -1, 0) for x in nodes)

    nodes = over_bulk, partial(panel_nodes, panels=panels)
    known = lax.stop_gradient((loc, scale))
    shifted, t, log_weights = lax.cond(is_easy, *nodes, *known)
    return shifted + (loc - known[0]), t, log_weights  # 0, which has the gradient


def quantile_edges(loc: Array, scale: Array, floor: Array, num_panels: int) -> Array:
    """The floor and quantiles of the maximum, given it is above; without a gradient.

    Fixed nodes miss a maximum that lies far from 0, or one with steps of very
    unequal widths; its own quantiles do not.

    Shape:
        ``loc``, ``scale``: ``batch + (n,)``, ``floor``: ``batch``, as
        :func:`from_the_maximum` gives them; result ``(num_panels + 1,) + batch``.
    """
    loc, scale = lax.stop_gradient((loc, scale))
    z = np.linspace(-1, 1, num_panels + 1)[1:]
    levels = _first_axis(6 * z + 30 * z**5, floor)
    edges = _quantiles(levels, loc, scale, floor)
    return jnp.concatenate([jnp.broadcast_to(floor, edges[:1].shape), edges])


def _first_axis(values: np.ndarray, batch: Array) -> Array:
    return jnp.asarray(values, batch.dtype).reshape(-1, *[1] * batch.ndim)


def _quantiles(levels: Array, loc: Array, scale: Array, floor: Array) -> Array:
    """Where the logit of the CDF, given a maximum above the floor, crosses each level.

    Of G = (F - F(floor)) / (1 - F(floor)), the logit is
    log (F - F(floor)) - log (1 - F). Roughly: what is integrated between them is
    exact wherever they lie. Bisection in the square root resolves those near 0.
    """
    log_cdf_0, log_survival_0 = log_cdf_and_survival(floor, loc, scale, _rough_log_ndtr)
    far = _far_in_the_tail(loc, scale, floor)

    def bisect(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        t = far * middle**2
        log_f, log_s = log_cdf_and_survival(t, loc, scale, _rough_log_ndtr)
        log_mass = jnp.where(
            log_f < log_s,
            log_f + _log1mexp(log_cdf_0 - log_f),
            log_survival_0 + _log1mexp(log_s - log_survival_0),
        )
        below = log_mass - log_s < levels
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low = jnp.zeros_like(levels + far)
    low, high = lax.fori_loop(0, NUM_BISECTIONS, bisect, (low, jnp.ones_like(low)))
    return far * ((low + high) / 2) ** 2


def _far_in_the_tail(loc: Array, scale: Array, floor: Array) -> Array:
    r"""A point beyond which less than e^-40 of the mass above the floor lies.

    The largest of :math:`\mu + \sigma \sqrt{u^2 + c}`, u the floor in units of
    :math:`\sigma` where that is positive.
    """
    u = jnp.maximum((floor[..., None] - loc) / scale, 0)
    c = 80 + 2 * math.log(loc.shape[-1])
    base = jnp.maximum(loc, floor[..., None])
    return (base + scale * (c / (u + jnp.sqrt(u**2 + c)))).max(-1)


def _rough_log_ndtr(u: Array) -> Array:
    r"""Log of :math:`\Phi(u)`, to 6 percent and for u < 0, by elementary functions.

    Many times as fast as the special function. Source: a bound of Komatsu (1955).
    """
    root = jnp.sqrt(u**2 + 8 / math.pi)
    return -0.5 * u**2 - jnp.log(root - u) + 0.5 * math.log(2 / math.pi)


def _log1mexp(x: Array) -> Array:
    return jnp.log(-jnp.expm1(jnp.minimum(x, 0)))
