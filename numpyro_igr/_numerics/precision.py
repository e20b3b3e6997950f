"""Arithmetic in full precision, whatever numbers the arguments are."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def at_least_single(*values: ArrayLike | jnp.dtype) -> jnp.dtype:
    """The float dtype of the values together, single precision at the least.

    Args:
        values: arrays, plain numbers or dtypes.
    """
    dtype, single = jnp.result_type(*values, float), jnp.dtype(jnp.float32)
    # A comparison, since JAX may be told to refuse that two dtypes are promoted.
    is_half = jnp.finfo(dtype).bits < jnp.finfo(single).bits
    return single if is_half else dtype


def in_full_precision(*values: ArrayLike) -> tuple[list[Array], jnp.dtype]:
    """The values in one float dtype of 32 bits or more, and the dtype to return.

    Integers mean what the same reals mean; floats of unequal dtypes are promoted as in
    the host's arithmetic.

    Args:
        values: arrays or plain numbers.

    Raises:
        TypeError: if one of them is complex.
    """
    dtype = jnp.result_type(*values, 1.0)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise TypeError("expected real numbers, got complex ones")
    working = at_least_single(dtype)
    return [jnp.asarray(x, working) for x in values], dtype
