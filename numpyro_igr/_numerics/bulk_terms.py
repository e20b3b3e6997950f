"""Integrands over the maximum of Gaussians at the nodes of its bulk, and below it."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from numpyro_igr._numerics.normal import LOG_SQRT_2_PI, mills_ratio
from numpyro_igr._numerics.quick_normal import quick_log_ndtr_and_hazard

# The least weight of a node, so that shares do not overflow.
LEAST_MASS = 1e-34


class Terms(NamedTuple):
    """Standardised nodes, hazards h at them, and weighted F h, in units of their own.

    The logarithms of these units, for each Gaussian, are the last two.
    """

    u: Array
    hazards: Array
    terms: Array
    log_hazard: Array
    log_term: Array


def terms_below(loc: Array, scale: Array, t: Array, log_weights: Array) -> Terms:
    """In logarithms: for nodes far below a Gaussian, or very many Gaussians.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes.
        log_weights: logs of their weights.
    """
    u = (t[..., None] - loc[..., None, :]) / scale[..., None, :]
    log_cdf, log_hazard = quick_log_ndtr_and_hazard(u)
    log_terms = (log_weights + log_cdf.sum(-1))[..., None] + log_hazard
    top = lax.stop_gradient(log_terms.max(-2))
    terms = jnp.exp(log_terms - top[..., None, :])
    return Terms(u, jnp.exp(log_hazard), terms, jnp.zeros_like(top), top)


def terms_inside(loc: Array, scale: Array, t: Array, log_weights: Array) -> Terms:
    """Without logarithms, for nodes that are not far below any Gaussian.

    Densities are relative to that at the first node that is above the mean.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes, the least first.
        log_weights: logs of their weights.
    """
    u = (t[..., None] - loc[..., None, :]) / scale[..., None, :]
    first = jnp.maximum(lax.stop_gradient(u[..., 0, :]), 0)
    unit = -0.5 * first**2
    at_first, log_unit = first[..., None, :], unit - LOG_SQRT_2_PI
    density = jnp.exp(0.5 * (at_first - u) * (at_first + u))
    tail = density * jnp.exp(unit)[..., None, :] * mills_ratio(abs(u))
    cdf = jnp.where(u < 0, tail, 1 - tail)
    hazards = density / cdf
    heaviest = log_weights.max(-1, keepdims=True)
    mass = jnp.exp(log_weights - heaviest) * cdf.prod(-1)
    mass = jnp.maximum(mass, LEAST_MASS)[..., None]
    return Terms(u, hazards, mass * hazards, log_unit, log_unit + heaviest)
