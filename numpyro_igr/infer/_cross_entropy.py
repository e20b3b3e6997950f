"""The cross-entropy of one-hot laws, from their logarithms."""

import jax.numpy as jnp
from jax import Array

from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions._categorical_logits import is_possible


def cross_entropy(q: OneHotCategorical, p: OneHotCategorical) -> Array:
    r""":math:`-E_q \log p`, finite also where a probability of p has underflowed.

    Infinite where p lacks a category that q has.

    Shape: ``batch``, broadcast.
    Units: nats.

    Args:
        q: whose mean it is.
        p: whose logarithm it is.
    """
    terms = -q.probs * p.logits
    return jnp.where((q.probs > 0) & ~is_possible(p.logits), jnp.inf, terms).sum(-1)
