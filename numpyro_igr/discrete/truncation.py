"""Truncation of countably many weights to those that matter (eq. 19)."""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike


@jax.jit
def truncate(weights: Array, rho: ArrayLike) -> Array:
    r"""Keeps the first weights that make up more than :math:`\rho`, sums the others.

    .. math:: K_\rho = \min \Big\{k: \sum_{i \le k} w_i > \rho\Big\}

    Entries up to and including :math:`K_\rho` are kept, those beyond are zero, and
    their mass is in the last entry, the rest. At :math:`\rho = 1` all are kept. The
    number that is kept is a constant to gradients, which are those of the entries.

    Shape: ``weights``: ``batch + (K,)``; ``rho``: ``batch`` or a plain number; result
    ``batch + (K,)``.

    Args:
        weights: points of the simplex, the last entry the rest.
        rho: the mass to exceed, in [0, 1].

    Accuracy: values sum to 1 as the weights do, to 4 units in the last place.
    Source: IGR (Potapczynski et al., 2020), eq. 19; the last entry is ours.
    """
    left = _mass_beyond(weights)
    goes_on = left >= _allowed(rho, left)
    is_active = jnp.concatenate(
        [jnp.ones_like(goes_on[..., :1]), goes_on[..., :-1]], -1
    )
    kept = jnp.where(is_active, weights[..., :-1], 0.0)
    last_active = is_active.sum(-1, keepdims=True) - 1
    return jnp.concatenate([kept, jnp.take_along_axis(left, last_active, -1)], -1)


@jax.jit
def num_active(weights: Array, rho: ArrayLike) -> Array:
    r"""The number :math:`K_\rho` of entries that :func:`truncate` keeps.

    K, the rest included, if the others together do not exceed ``rho``.

    Shape: ``weights``: ``batch + (K,)``; ``rho``: ``batch`` or a plain number; result
    ``batch``, integers.

    Args:
        weights: points of the simplex, the last entry the rest.
        rho: the mass to exceed, in [0, 1].

    Source: IGR (Potapczynski et al., 2020), eq. 19.
    """
    left = _mass_beyond(weights)
    return 1 + (left >= _allowed(rho, left)).sum(-1)


def _mass_beyond(weights: Array) -> Array:
    """What is left after each entry but the last: exact where almost nothing is."""
    return lax.cumsum(weights, axis=weights.ndim - 1, reverse=True)[..., 1:]


def _allowed(rho: ArrayLike, like: Array) -> Array:
    return jnp.expand_dims(1 - jnp.asarray(rho, like.dtype), -1)
