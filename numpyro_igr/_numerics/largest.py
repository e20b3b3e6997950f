"""Where the largest entry of a vector is."""

from jax import Array
from jax.nn import one_hot


def is_first_largest(x: Array) -> Array:
    """True at the first largest entry.

    Shape:
        ``batch + (K,)`` to the same.

    Args:
        x: numbers.
    """
    return one_hot(x.argmax(-1), x.shape[-1], dtype=bool)
