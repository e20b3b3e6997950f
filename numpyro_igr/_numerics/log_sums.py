"""Logs of running sums of exponentials, with derivatives of every order."""

from jax import Array, lax


def log_sums_from(x: Array) -> Array:
    """Log of the sum of exponentials of each entry and all after it.

    Shape:
        ``batch + (n,)`` to the same.

    Args:
        x: finite numbers.
    """
    return lax.cumlogsumexp(x, axis=x.ndim - 1, reverse=True)
