"""What the samples of a set count for, drawn without replacement or with it."""

import math

import jax.numpy as jnp
from jax import Array
from jax.nn import logsumexp

SMALLEST = 1e-30


def set_weights(log_probs: Array) -> tuple[Array, Array]:
    r"""Unbiased weights of a set drawn without replacement, and of its baselines.

    .. math::
        E f = E \sum_{s \in S} w_s f(s), \qquad
        w_s = p(s) \frac{p^{\setminus s}(S \setminus s)}{p(S)}

    with p(S) the probability of the set and :math:`p^{\setminus s}` that of one from
    which s is barred. :math:`b_s = \sum_{s'} B_{s s'} f(s')` estimates E f from the
    others, so that :math:`\sum_s w_s (f(s) - b_s) \nabla \log p(s)` is an unbiased
    gradient with a baseline. Where the set is everything, w is p and all is exact; a
    set of size 1 has no baseline.

    Shape: ``log_probs`` and weights: ``(S,) + batch``; weights of the baselines
    ``(S, S) + batch``.

    Args:
        log_probs: of the configurations in the set.

    Accuracy: to 1e-9 in float64 for sets of 1 to 5.
    Source: Kool, van Hoof and Welling (2020), who call the ratio of probabilities the
        leave-one-out ratio, and integrate numerically as well.
    """
    log_set, log_one, log_two = _log_integrals(log_probs)
    barred = jnp.eye(len(log_probs), dtype=log_probs.dtype)
    barred = barred.reshape(*barred.shape, *[1] * (log_probs.ndim - 1))
    baselines = jnp.where(barred == 1, log_probs, log_two - log_one[:, None])
    has_baseline = len(log_probs) > 1
    return jnp.exp(log_one - log_set), has_baseline * jnp.exp(baselines)


def leave_one_out_weights(log_probs: Array) -> tuple[Array, Array]:
    """Weights of independent samples and of the mean of the others, the baseline.

    Shape: as :func:`set_weights`.

    Args:
        log_probs: of the samples.

    Source: Kool, van Hoof and Welling (2019), "Buy 4 REINFORCE samples, get a
        baseline for free!".
    """
    size, dims = len(log_probs), [1] * (log_probs.ndim - 1)
    others = (1 - jnp.eye(size, dtype=log_probs.dtype)).reshape(size, size, *dims)
    return jnp.full_like(log_probs, 1 / size), others / max(size - 1, 1)


# A set is drawn first when exponential clocks of rates p(s) all ring before one of the
# rate c of the rest: p(S) = int c exp(-c t) prod_s (1 - exp(-p(s) t)) dt. Each factor
# is divided by p(s), which cancels in the weights; c t = exp(u), in equal steps.
def _log_integrals(log_probs: Array) -> tuple[Array, Array, Array]:
    """Of the product of all factors, of all but one, and of all but two."""
    u = _nodes(len(log_probs), log_probs)
    log_rest = jnp.log(jnp.maximum(-jnp.expm1(logsumexp(log_probs, 0)), SMALLEST))
    log_t = u - log_rest
    x = jnp.maximum(jnp.exp(log_probs + log_t[:, None]), SMALLEST)
    factors = log_t[:, None] + jnp.log(-jnp.expm1(-x) / x)
    everything = (u - jnp.exp(u)) + factors.sum(1)
    one = everything[:, None] - factors
    two = one[:, :, None] - factors[:, None]
    return tuple(logsumexp(terms, 0) for terms in (everything, one, two))


def _nodes(size: int, like: Array) -> Array:
    """Where u is looked at: closer for large sets, whose integrand is narrower."""
    low = math.log(jnp.finfo(like.dtype).eps)
    high = math.log(40 + 4 * size)
    count = int((high - low) * math.sqrt(size + 1) / 0.4)
    nodes = jnp.linspace(low, high, count, dtype=like.dtype)
    return nodes.reshape(-1, *[1] * (like.ndim - 1))
