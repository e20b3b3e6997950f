"""Nodes to integrate over the bulk of the maximum of Gaussians of similar scales."""

import math
from functools import cache

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from numpyro_igr._numerics.truncated_nodes import gauss_legendre

# Nodes below the bulk, for categories that are hardly ever the largest.
NUM_BELOW = 2
# In each precision: the probability below the bulk; the standard deviations below its
# mean at which one Gaussian has less; and -2 times the log of the probability above.
SINGLE, DOUBLE = (1e-9, 6.5, 30.0), (1e-16, 8.3, 70.0)
# Where the bulk begins is found to one of so many steps, by halving their number.
NUM_STEPS = 16
HALVES = (8, 4, 2, 1)
# Gauss-Legendre nodes y crowd at the ends; x = arcsin(a y) / arcsin(a) do so less.
SPREAD = 0.9


def bulk_nodes(loc: Array, scale: Array, num_nodes: int) -> tuple[Array, Array, Array]:
    r"""Means measured from where the bulk begins, nodes and log weights; t > 0.

    The bulk is between where the distribution function of the maximum is negligible
    (or 0) and where 1 is. Nodes and the point of reference carry no gradient.

    Shape:
        ``loc``, ``scale`` and the first result: ``batch + (n,)``; in NumPyro nodes and
        log weights are ``batch + (num_nodes,)``, in Pyro n and they are the first
        dimension.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations, of one order of magnitude.
        num_nodes: how many nodes, some below the bulk included.
    """
    mean, deviation = lax.stop_gradient((loc, scale))
    least, reach, excess = DOUBLE if loc.dtype == jnp.float64 else SINGLE
    log_n = math.log(loc.shape[-1])
    base = jnp.maximum((mean - reach * deviation).max(-1), 0)
    mean = mean - base[..., None]
    top = jnp.maximum((mean + math.sqrt(1 + 2 * log_n) * deviation).max(-1), 0)
    start = top * _steps_below(math.log(least), top, mean, deviation) / NUM_STEPS
    mean = mean - start[..., None]
    low = jnp.maximum(-mean / deviation, 0)
    c = excess + 2 * log_n
    width = deviation * (c / (low + jnp.sqrt(low**2 + c)))
    width = (jnp.maximum(mean, 0) + width).max(-1)
    length = (base + start)[..., None]
    unit = (jnp.asarray(x, loc.dtype) for x in _unit_nodes(num_nodes))
    below, weights_below, inside, weights_inside = unit
    width = width[..., None]
    t = jnp.concatenate([length * below, width * inside], -1)
    length = jnp.maximum(length, jnp.finfo(length.dtype).tiny)
    log_weights = [jnp.log(length) + weights_below, jnp.log(width) + weights_inside]
    return loc - base[..., None] - start[..., None], t, jnp.concatenate(log_weights, -1)


def _steps_below(level: float, top: Array, loc: Array, scale: Array) -> Array:
    """How many of the steps from 0 to the top have a CDF of less than the level."""
    lowest, step = -loc / scale, top[..., None] / (NUM_STEPS * scale)
    # Sums by products with 1, which the compiler makes of vector instructions.
    count, ones = jnp.zeros_like(top), jnp.ones(loc.shape[-1], loc.dtype)
    for half in HALVES:
        u = lowest + (count + half)[..., None] * step
        is_below = jnp.dot(_about_log_ndtr(u), ones, precision="highest") < level
        count = count + jnp.where(is_below, half, 0)
    return count


def _about_log_ndtr(u: Array) -> Array:
    """Log Phi(u) to a tenth, nearly an upper bound: a parabola on either side of 0."""
    left, right = jnp.minimum(u, 0), jnp.clip(1 - 0.5 * u, 0, 1)
    return left * (0.75 - 0.375 * left) - math.log(2) * right**2


@cache
def _unit_nodes(num_nodes: int) -> tuple[np.ndarray, ...]:
    """Nodes in (-1, 0) and logs of weights below the bulk, and in (0, 1) inside it."""
    x, weights = gauss_legendre(num_nodes - NUM_BELOW)
    y = 2 * x - 1
    inside = (1 + np.arcsin(SPREAD * y) / np.arcsin(SPREAD)) / 2
    weights = weights * SPREAD / np.sqrt(1 - (SPREAD * y) ** 2) / np.arcsin(SPREAD)
    below, weights_below = gauss_legendre(NUM_BELOW)
    return below - 1, np.log(weights_below), inside, np.log(weights)
