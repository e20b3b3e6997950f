"""The parameters of a distribution: their values, and whether two share them."""

from numbers import Number
from operator import is_
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from numpyro_igr._host import not_jax_tracer
from numpyro_igr._numerics.checks import refuse_complex
from numpyro_igr._numerics.precision import at_least_single

Shape = tuple[int, ...]


def to_arrays(parameters: dict[str, ArrayLike]) -> dict[str, ArrayLike]:
    """Parameters as arrays; plain numbers take the dtype of ``loc`` and ``scale``.

    Args:
        parameters: arrays or plain numbers by name, ``loc`` and ``scale`` included.

    Raises:
        TypeError: if one is complex.
    """
    refuse_complex(**parameters)
    dtype = at_least_single(parameters["loc"], parameters["scale"])  # as the noise
    return {name: to_float(value, dtype) for name, value in parameters.items()}


def to_float(value: ArrayLike, dtype: jnp.dtype) -> ArrayLike:
    """A parameter as one of real numbers; a plain number takes this dtype.

    Args:
        value: an array or a plain number.
        dtype: of single or double precision.
    """
    if isinstance(value, Number):
        return np.asarray(value, dtype)
    is_float = jnp.issubdtype(jnp.result_type(value), jnp.floating)
    return value if is_float else cast(Array, value).astype(dtype)


def is_shared(given: tuple, held: tuple) -> bool:
    """Whether two distributions share a parameter: the object, or concrete values.

    One may have been given what the other holds, as of a prior that was an argument.
    A value that is trained is equal to none that is not, whatever it is now.

    Args:
        given: the parameter of each distribution as it was given.
        held: the parameter of each distribution as it is held.
    """
    if all(isinstance(x, tuple) for x in held):
        return len(held[0]) == len(held[1]) and all(map(is_, *held))
    own, other = zip(given, held, strict=True)
    if any(x is y for x in own if x is not None for y in other):
        return True
    # Of values that a gradient traces the comparison is concrete.
    if not all(map(not_jax_tracer, held)):
        return False
    with jax.ensure_compile_time_eval():
        return bool(np.all(held[0] == held[1]))


def args_to_check(dist: Any) -> dict[str, Any]:
    """The arguments of a distribution, as NumPy has them where they are known.

    To check those compiles nothing.

    Args:
        dist: of any family.
    """
    args = {name: getattr(dist, name) for name in dist.arg_constraints}
    return {n: np.asarray(x) if not_jax_tracer(x) else x for n, x in args.items()}


def check_value(value: Array, event_shape: Shape) -> None:
    """Refuses a value of another length, of which broadcasting would make a density.

    Args:
        value: of a distribution, with any batch.
        event_shape: of the distribution, one size.

    Raises:
        TypeError: if it is complex.
        ValueError: unless the last dimension is of that size.
    """
    refuse_complex(value=value)
    shape = jnp.shape(value)
    if shape[-1:] != event_shape:
        raise ValueError(
            f"expected value to have {event_shape[0]} entries in its last dimension, "
            f"got shape {shape}"
        )
