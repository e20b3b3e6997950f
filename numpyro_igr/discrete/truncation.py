"""Truncation of countably many weights to those that matter (eq. 19)."""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from numpyro_igr._numerics.checks import (
    check_probabilities,
    check_rounding,
    refuse_complex,
)
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr._numerics.shapes import check_vectors

# By how much a sum of weights may exceed 1, in any precision.
ROUNDING = 0.1


def truncate(weights: Array, rho: ArrayLike) -> Array:
    r"""Keeps the first weights that make up more than :math:`\rho`, sums the others.

    .. math:: K_\rho = \min \Big\{k: \sum_{i \le k} w_i > \rho\Big\}

    Entries up to and including :math:`K_\rho` are kept, those beyond are zero, and
    their mass is in the last entry, the rest. At :math:`\rho = 1` all are kept. The
    number that is kept is a constant to gradients, which are those of the entries.

    Shape:
        ``weights``: ``batch + (K,)``; ``rho``: ``batch`` or a plain number; result
        ``batch + (K,)``.

    Args:
        weights: points of the simplex, the last entry the rest.
        rho: the mass to exceed, in [0, 1].

    Raises:
        ValueError: if ``rho`` or an entry of ``weights`` is outside [0, 1], or ``rho``
            is less than 1 and rounds to 1 in the dtype of ``weights``.

    Accuracy:
        Values sum to 1 as the weights do, to 4 units in the last place.
    Source:
        IGR (Potapczynski et al., 2020), eq. 19; the last entry is ours.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import truncate
        >>> truncate(jnp.array([0.5, 0.25, 0.125, 0.125]), 0.7)
        Array([0.5 , 0.25, 0.  , 0.25], dtype=float32)
    """
    _check(weights, rho)
    return _truncate(weights, rho)


def num_active(weights: Array, rho: ArrayLike) -> Array:
    r"""The number :math:`K_\rho` of entries that :func:`truncate` keeps.

    K, the rest included, if the others together do not exceed ``rho``.

    Shape:
        ``weights``: ``batch + (K,)``; ``rho``: ``batch`` or a plain number; result
        ``batch``, integers.

    Args:
        weights: points of the simplex, the last entry the rest.
        rho: the mass to exceed, in [0, 1].

    Raises:
        ValueError: if ``rho`` or an entry of ``weights`` is outside [0, 1], or ``rho``
            is less than 1 and rounds to 1 in the dtype of ``weights``.

    Source:
        IGR (Potapczynski et al., 2020), eq. 19.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import num_active
        >>> num_active(jnp.array([0.5, 0.25, 0.125, 0.125]), 0.7)
        Array(2, dtype=int32)
    """
    _check(weights, rho)
    return _num_active(weights, rho)


def _check(weights: Array, rho: ArrayLike) -> None:
    refuse_complex(weights=weights)
    check_vectors(weights=weights)
    check_probabilities(rho=rho)
    check_probabilities(weights=weights, slack=ROUNDING)
    (weights,), _ = in_full_precision(weights)
    check_rounding(weights.dtype, rho=rho)


@jax.jit
def _truncate(weights: Array, rho: ArrayLike) -> Array:
    (weights,), dtype = in_full_precision(weights)
    goes_on = _goes_on(weights, rho)
    is_active = jnp.concatenate(
        [jnp.ones_like(goes_on[..., :1]), goes_on[..., :-1]], -1
    )
    kept = jnp.where(is_active, weights[..., :-1], 0.0)
    others = jnp.where(is_active, 0.0, weights[..., :-1])
    rest = others.sum(-1, keepdims=True) + weights[..., -1:]
    return jnp.concatenate([kept, rest], -1).astype(dtype)


@jax.jit
def _num_active(weights: Array, rho: ArrayLike) -> Array:
    (weights,), _ = in_full_precision(weights)
    return 1 + _goes_on(weights, rho).sum(-1)


def _goes_on(weights: Array, rho: ArrayLike) -> Array:
    """Whether what is left after each weight but the last matters.

    A sum from the end: exact where almost nothing is left.
    """
    left = lax.cumsum(weights, axis=weights.ndim - 1, reverse=True)[..., 1:]
    return left >= jnp.expand_dims(1 - jnp.asarray(rho, left.dtype), -1)
