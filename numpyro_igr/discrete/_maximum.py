"""The largest of Gaussians, given whose it is, from uniform noise."""

import math
from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
from jax import Array, lax
from jax.nn import logsumexp

from numpyro_igr._numerics.chunks import by_chunks
from numpyro_igr._numerics.newton import bracketed_newton
from numpyro_igr._numerics.normal import log_ndtr
from numpyro_igr._numerics.normal_maximum import from_the_maximum
from numpyro_igr._numerics.quantiles import quantile_edges
from numpyro_igr._numerics.truncated_nodes import nodes_between
from numpyro_igr.discrete._rules import COARSE

# Also for scales far apart: the nodes that these need would cost all others too much.
NUM_PANELS, NUM_NODES = COARSE
# The rounding of log odds from a sum over the nodes, in units of the dtype's own. Two
# more steps follow where the search has met it.
ROUNDING = 64


def maximum_given(log_odds: Array, chosen: Array, loc: Array, scale: Array) -> Array:
    """The maximum M > 0, given whose it is, where the log odds of its CDF are these.

    Shape:
        ``log_odds`` and result: ``sample + batch + (1,)``; ``chosen``:
        ``sample + batch + (n,)``; ``loc``, ``scale``: ``batch + (n,)``.

    Args:
        log_odds: log odds of uniform noise.
        chosen: whose it is, one-hot.
        loc: means of the Gaussians.
        scale: their standard deviations.
    """
    width = loc.shape[-1] * NUM_PANELS * NUM_NODES
    return by_chunks(_maximum_given, width, log_odds, chosen, loc, scale)


def _maximum_given(log_odds: Array, chosen: Array, loc: Array, scale: Array) -> Array:
    log_odds = log_odds[..., 0]
    loc, floor = from_the_maximum(loc, scale)
    log_density = partial(_log_density, chosen, loc, scale)
    edges = _align(quantile_edges(loc, scale, floor, NUM_PANELS), log_odds)
    low, high, log_beside = _panel(log_density, edges, log_odds)

    def newton(t: Array) -> tuple[Array, Array]:
        starts, stops = jnp.stack([low, t]), jnp.stack([t, high])
        left, right = jnp.logaddexp(log_beside, _log_mass(log_density, starts, stops))
        error = left - right - log_odds
        density = log_density(t)
        slope = jnp.exp(density - left) + jnp.exp(density - right)
        return error, t - error / slope

    root = bracketed_newton(
        lambda t: lax.stop_gradient(newton(t)),
        (low + high) / 2,
        low,
        high,
        ROUNDING * jnp.finfo(low.dtype).eps * (1 + abs(log_odds)),
    )
    # Each step from the root doubles the number of derivatives that are right; a loop
    # is compiled once, and its gradient too.
    root = lax.fori_loop(0, 2, lambda _, t: newton(t)[1], lax.stop_gradient(root))
    return (root - floor)[..., None]


def _log_density(chosen: Array, loc: Array, scale: Array, t: Array) -> Array:
    """Log density that the chosen Gaussian is at t, and the others are below."""
    u = (t[..., None] - loc) / scale
    log_normal = -0.5 * (u**2 + math.log(2 * math.pi)) - jnp.log(scale)
    return jnp.where(chosen > 0.5, log_normal, log_ndtr(u)).sum(-1)


def _panel(
    log_density: Callable, edges: Array, log_odds: Array
) -> tuple[Array, Array, Array]:
    """The panel in which the log odds of the CDF are these, and log masses beside it.

    The masses are those of all panels to its left, and of all to its right.
    """
    masses = _log_mass(log_density, edges[:-1], edges[1:])
    panel = _panel_of(log_odds, lax.stop_gradient(masses))
    index = jnp.arange(NUM_PANELS).reshape(-1, *[1] * log_odds.ndim)
    log_beside = _log_sum(masses, jnp.stack([index < panel, index > panel]))
    edges = jnp.broadcast_to(edges, (len(edges), *log_odds.shape))
    low, high = (jnp.take_along_axis(edges, panel + i, 0)[0] for i in (0, 1))
    return low, high, log_beside


def _align(edges: Array, batch: Array) -> Array:
    missing = batch.ndim - edges.ndim + 1
    return edges.reshape(len(edges), *[1] * missing, *edges.shape[1:])


def _log_mass(log_density: Callable, low: Array, high: Array) -> Array:
    t, log_weights = nodes_between(low, high, NUM_NODES)
    return logsumexp(log_weights + log_density(t), 0)


def _log_sum(log_masses: Array, kept: Array) -> Array:
    nothing = jnp.finfo(log_masses.dtype).min / 4
    return logsumexp(jnp.where(kept, log_masses, nothing), 1)


def _panel_of(log_odds: Array, log_masses: Array) -> Array:
    """The number of the panel in which the log odds of the CDF are these."""
    left = lax.cumlogsumexp(log_masses, 0)[:-1]
    right = lax.cumlogsumexp(log_masses, 0, reverse=True)[1:]
    return (left - right < log_odds).sum(0, keepdims=True)
