"""The stick-breaking map SB(sigmoid(y)), in log space."""

import jax
import jax.numpy as jnp
from jax import Array

from numpyro_igr._numerics.log_sums import log_sums_from
from numpyro_igr._numerics.normal import log_of_rest
from numpyro_igr._numerics.running_sums import running_sums


@jax.jit
def log_weights(y: Array) -> Array:
    r"""Log weights of sticks broken at :math:`\sigma(y_k)`, the last one the rest.

    .. math:: \log w_k = \log \sigma(y_k) + \sum_{i<k} \log \sigma(-y_i)

    They sum to one up to rounding, so that nothing has to be normalised.

    Shape:
        ``batch + (K-1,)`` to ``batch + (K,)``.
    Source:
        IGR (Potapczynski et al., 2020), eq. 16 after a sigmoid, with the remainder as
        category K.
    """
    nothing = jnp.zeros_like(y[..., :1])
    broken, kept = _log_sigmoids(y)
    broken = jnp.concatenate([broken, nothing], -1)
    return broken + jnp.concatenate([nothing, running_sums(kept)], -1)


@jax.jit
def logits_of_sticks(log_w: Array) -> Array:
    r"""Inverse of :func:`log_weights`: the logits of the breaks.

    .. math:: y_k = \log w_k - \log \sum_{i>k} w_i

    Shape:
        ``batch + (K,)`` to ``batch + (K-1,)``.
    """
    return log_w[..., :-1] - log_sums_from(log_w[..., 1:])


@jax.custom_jvp
def _log_sigmoids(y: Array) -> tuple[Array, Array]:
    """Of y and of -y, at the price of one; derivatives of every order are right."""
    smaller = log_of_rest(-jnp.exp(-jnp.abs(y)))
    return jnp.minimum(y, 0) - smaller, jnp.minimum(-y, 0) - smaller


@_log_sigmoids.defjvp
def _with_tangents(primals: tuple, tangents: tuple) -> tuple[tuple, tuple]:
    (y,), (tangent,) = primals, tangents
    broken, kept = _log_sigmoids(y)
    return (broken, kept), (tangent * jnp.exp(kept), -tangent * jnp.exp(broken))
