"""The noise behind a category, given the category: y | H, from uniform noise."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_sigmoid, logsumexp, softplus

from numpyro_igr._numerics.newton import bracketed_newton
from numpyro_igr._numerics.normal import log_ndtr
from numpyro_igr._numerics.normal_maximum import from_the_maximum
from numpyro_igr._numerics.probit import probit_of_log_odds
from numpyro_igr._numerics.quantiles import quantile_edges
from numpyro_igr._numerics.truncated_nodes import nodes_between

# The rule of ``argmax_probs``.
NUM_PANELS, NUM_NODES = 16, 8
# Of log odds, that a sum over the nodes leaves; the last steps are taken beyond.
ROUNDING = 64


@jax.jit
def gaussians_given_argmax(
    log_odds: Array, one_hot: Array, loc: Array, scale: Array
) -> Array:
    r"""Gaussians y given which of :math:`[y, 0]` is the largest.

    Given category k < K, the largest, M, has density :math:`F r_k / p_k` on t > 0,
    with F and :math:`r_k` as in :func:`argmax_probs`; the others are Gaussians
    truncated above at M. Given category K all are truncated above at 0. M inverts its
    distribution function, a quadrature, by Newton steps. Derivatives in ``loc`` and
    ``scale`` are implicit (first and second ones).

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; ``log_odds`` and result:
        ``sample + batch + (K-1,)``; ``one_hot``: ``sample + batch + (K,)``.

    Args:
        log_odds: log odds of independent uniform noise.
        one_hot: the category.
        loc: means of the Gaussians.
        scale: their standard deviations, positive.

    Source:
        Not in the paper, which defers to RELAX (Grathwohl et al., 2018).
    """
    loc, scale = jnp.broadcast_arrays(loc, scale)
    chosen, is_last = one_hot[..., :-1], one_hot[..., -1] > 0.5
    first = jnp.zeros_like(chosen).at[..., 0].set(1)
    some = jnp.where(is_last[..., None], first, chosen)
    maximum = _maximum_given((some * log_odds).sum(-1), some, loc, scale)
    maximum = jnp.where(is_last, 0, maximum)[..., None]
    below = _log_odds_below(log_odds, (maximum - loc) / scale)
    return jnp.where(chosen > 0.5, maximum, loc + scale * probit_of_log_odds(below))


@jax.jit
def gaussians_given_stick(
    log_odds: Array, one_hot: Array, loc: Array, scale: Array
) -> Array:
    r"""Gaussians y given that category k is the first with :math:`y_k > 0`.

    Those before k are truncated above at 0, :math:`y_k` below at 0, the rest free.
    Derivatives in ``loc`` and ``scale`` are implicit, of every order.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; ``log_odds`` and result:
        ``sample + batch + (K-1,)``; ``one_hot``: ``sample + batch + (K,)``.

    Args:
        log_odds: log odds of independent uniform noise.
        one_hot: the category.
        loc: means of the Gaussians.
        scale: their standard deviations, positive.

    Source:
        Not in the paper.
    """
    chosen = one_hot[..., :-1] > 0.5
    is_before = one_hot.cumsum(-1)[..., :-1] < 0.5
    bound = -loc / scale
    below = _log_odds_below(log_odds, bound)
    above = -_log_odds_below(-log_odds, -bound)
    truncated = jnp.where(chosen, above, jnp.where(is_before, below, log_odds))
    return loc + scale * probit_of_log_odds(truncated)


def gumbels_given_argmax(log_odds: Array, one_hot: Array, logits: Array) -> Array:
    r"""Logits plus Gumbel noise, given which is the largest.

    With exponential :math:`E_j`, the largest is :math:`-\log E_k` and the others are
    :math:`-\log(E_j / p_j + E_k)`.

    Shape:
        ``logits``: ``batch + (K,)``; the others and the result:
        ``sample + batch + (K,)``.

    Args:
        log_odds: log odds of independent uniform noise.
        one_hot: the category.
        logits: log probabilities, normalised.

    Source:
        Tucker et al. (2017), appendix; Maddison, Tarlow and Minka (2014).
    """
    log_e = jnp.log(softplus(-log_odds))
    log_e_k = (one_hot * log_e).sum(-1, keepdims=True)
    others = -jnp.logaddexp(log_e - logits, log_e_k)
    return jnp.where(one_hot > 0.5, -log_e_k, others)


def _log_odds_below(log_odds: Array, bound: Array) -> Array:
    r"""Log odds of :math:`v \Phi(b)`, v uniform: a standard normal truncated at b."""
    log_v, log_rest = log_sigmoid(log_odds), log_sigmoid(-log_odds)
    upper = jnp.logaddexp(log_rest, log_v + log_ndtr(-bound))
    return log_v + log_ndtr(bound) - upper


def _maximum_given(log_odds: Array, chosen: Array, loc: Array, scale: Array) -> Array:
    """The maximum M > 0, given whose it is, where the log odds of its CDF are these."""
    loc, floor = from_the_maximum(loc, scale)

    def log_density(t: Array) -> Array:
        u = (t[..., None] - loc) / scale
        log_normal = -0.5 * (u**2 + math.log(2 * math.pi)) - jnp.log(scale)
        return jnp.where(chosen > 0.5, log_normal, log_ndtr(u)).sum(-1)

    edges = _align(quantile_edges(loc, scale, floor, NUM_PANELS), log_odds)
    masses = _log_mass(log_density, edges[:-1], edges[1:])
    panel = _panel_of(log_odds, lax.stop_gradient(masses))
    index = jnp.arange(NUM_PANELS).reshape(-1, *[1] * log_odds.ndim)
    sides = jnp.stack([index < panel, index > panel])
    beyond = _log_sum(masses, sides)
    edges = jnp.broadcast_to(edges, (len(edges), *log_odds.shape))
    low, high = (jnp.take_along_axis(edges, panel + i, 0)[0] for i in (0, 1))

    def newton(t: Array) -> tuple[Array, Array]:
        starts, stops = jnp.stack([low, t]), jnp.stack([t, high])
        left, right = jnp.logaddexp(beyond, _log_mass(log_density, starts, stops))
        error = left - right - log_odds
        density = log_density(t)
        slope = jnp.exp(density - left) + jnp.exp(density - right)
        return error, t - error / slope

    # Each step from the root doubles the number of derivatives that are right.
    root = bracketed_newton(
        lambda t: lax.stop_gradient(newton(t)),
        (low + high) / 2,
        low,
        high,
        ROUNDING * jnp.finfo(low.dtype).eps * (1 + abs(log_odds)),
    )
    return newton(newton(lax.stop_gradient(root))[1])[1] - floor


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
    """The panel in which the log odds of the distribution function are these."""
    left = lax.cumlogsumexp(log_masses, 0)[:-1]
    right = lax.cumlogsumexp(log_masses, 0, reverse=True)[1:]
    return (left - right < log_odds).sum(0, keepdims=True)
