"""The cross-entropy of one-hot distributions, from their logarithms."""

from jax import Array

from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions._mean_log_prob import mean_log_prob


def cross_entropy(q: OneHotCategorical, p: OneHotCategorical) -> Array:
    r""":math:`-E_q \log p`, finite also where a probability of p has underflowed.

    Infinite where p lacks a category that q has.

    Shape:
        ``batch``, broadcast.
    Units:
        Nats.

    Args:
        q: whose mean it is.
        p: whose logarithm it is.
    """
    return -mean_log_prob(q.probs, p)
