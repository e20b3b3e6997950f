"""The mean log-probability of one-hot vectors, from logarithms."""

import jax
import jax.numpy as jnp
from jax import Array

from numpyro_igr.distributions._categorical_logits import is_possible
from numpyro_igr.distributions.one_hot import OneHotCategorical


def mean_log_prob(weights: Array, distribution: OneHotCategorical) -> Array:
    r""":math:`\sum_k w_k \log p_k`, finite also where a probability has underflowed.

    Minus infinity where the distribution lacks a category that has a weight.

    Shape:
        ``weights``: ``batch + (K,)``; result ``batch``, broadcast.
    Units:
        Nats.

    Args:
        weights: points of the simplex.
        distribution: over K categories.
    """
    return _mean(weights, distribution.logits)


# Compiled as one program, also where it is called outside of jit.
@jax.jit
def _mean(weights: Array, logits: Array) -> Array:
    has_lacking = (weights > 0) & ~is_possible(logits)
    return jnp.where(has_lacking, -jnp.inf, weights * logits).sum(-1)


def is_lacking(distribution: OneHotCategorical) -> Array:
    """Whether a distribution lacks a category, and not by underflow.

    Args:
        distribution: over K categories.
    """
    return ~is_possible(distribution.logits)
