"""The rounding of values in half precision, which a check of a simplex must allow."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from numpyro_igr._numerics.checks import refuse_complex
from numpyro_igr._numerics.precision import in_full_precision


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


def to_score(value: Array, *parameters: ArrayLike) -> tuple[list[Array], jnp.dtype]:
    """A value and parameters in full precision, and the dtype of its density.

    Args:
        value: of a distribution on the simplex, or its logarithm, with any batch.
        parameters: of the distribution.
    """
    _, dtype = in_full_precision(value, *parameters)
    values, _ = in_full_precision(absorb_rounding(value), *parameters)
    return values, dtype
