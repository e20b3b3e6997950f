"""The rounding of values in half precision, which a check of a simplex must allow."""

import jax.numpy as jnp
from jax import Array

from numpyro_igr._numerics import refuse_complex


def absorb_rounding(value: Array) -> Array:
    """Rescales half-precision values whose sum misses 1 by rounding only.

    The host's check of a simplex allows 1e-6, which half precision cannot meet.

    Args:
        value: of a distribution on the simplex, with any batch.

    Raises:
        TypeError: if it is complex.
    """
    refuse_complex(value=value)
    if getattr(value, "dtype", None) not in (jnp.float16, jnp.bfloat16):
        return value
    single = value.astype(jnp.float32)
    total = single.sum(-1, keepdims=True)
    rounding = value.shape[-1] * jnp.finfo(value.dtype).eps
    return single / jnp.where(abs(total - 1) < rounding, total, 1.0)
