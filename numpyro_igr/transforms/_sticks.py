"""The stick-breaking map SB(sigmoid(y)), in log space."""

import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_sigmoid, log_softmax


def log_weights(y: Array) -> Array:
    r"""Log weights of sticks broken at :math:`\sigma(y_k)`, the last one the rest.

    .. math:: \log w_k = \log \sigma(y_k) + \sum_{i<k} \log \sigma(-y_i)

    Shape:
        ``batch + (K-1,)`` to ``batch + (K,)``.
    Source:
        IGR (Potapczynski et al., 2020), eq. 16 after a sigmoid, with the remainder as
        category K.
    """
    nothing = jnp.zeros_like(y[..., :1])
    broken = jnp.concatenate([log_sigmoid(y), nothing], -1)
    left = jnp.concatenate([nothing, log_sigmoid(-y).cumsum(-1)], -1)
    return log_softmax(broken + left, -1)


def logits_of_sticks(log_w: Array) -> Array:
    r"""Inverse of :func:`log_weights`: the logits of the breaks.

    .. math:: y_k = \log w_k - \log \sum_{i>k} w_i

    Shape:
        ``batch + (K,)`` to ``batch + (K-1,)``.
    """
    tail = lax.cumlogsumexp(log_w[..., 1:], axis=log_w.ndim - 1, reverse=True)
    return log_w[..., :-1] - tail
