"""The shapes of means, standard deviations and what is beside, and whether they fit."""

from numbers import Real
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

Shape = tuple[int, ...]


def infer_shapes(**arg_shapes: Shape) -> tuple[Shape, Shape]:
    """Batch and event shape from the shapes of the parameters.

    Args:
        arg_shapes: of ``loc`` and ``scale``, which end in K-1, and of the others.
    """
    batch_shapes = [
        shape[:-1] if name in ("loc", "scale") else shape
        for name, shape in arg_shapes.items()
    ]
    (n,) = lax.broadcast_shapes(arg_shapes["loc"][-1:], arg_shapes["scale"][-1:])
    return lax.broadcast_shapes(*batch_shapes), (n + 1,)


def check_shapes(
    shapes: dict[str, Shape], *, is_matched: bool = False
) -> tuple[Shape, Shape]:
    """Batch and event shape from those of parameters, which have to fit.

    Args:
        shapes: of ``loc`` and ``scale``, which end in K-1, and of the others, by name.
        is_matched: whether the means are to be found, so that their number is given.

    Raises:
        ValueError: if ``loc`` has no event dimension or the shapes do not broadcast.
    """
    loc = shapes["loc"]
    if not loc or not loc[-1]:
        raise ValueError(
            "expected loc to have a last dimension of size K-1 >= 1, got shape "
            f"{tuple(loc)}"
        )
    try:
        found = infer_shapes(**shapes)
    except ValueError:
        found = None
    if found is None or is_matched and found[1] != (loc[-1] + 1,):
        given = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
        raise ValueError(
            f"expected the shapes of the parameters to broadcast, got {given}"
        )
    return found


def is_number(value: Any) -> bool:
    """Whether a value is a single real number, plain or in an array.

    Args:
        value: anything.
    """
    if isinstance(value, Real):
        return True
    return getattr(value, "ndim", None) == 0 and not jnp.iscomplexobj(value)


def check_numbers(**arguments: Any) -> None:
    """Raises unless the arguments are single real numbers.

    Args:
        arguments: by name.

    Raises:
        TypeError: naming the argument.
    """
    for name, value in arguments.items():
        if not is_number(value):
            raise TypeError(f"expected {name} to be a number, got {value!r}")


def check_vectors(**arguments: Array) -> None:
    """Raises if an argument is a number, without a last dimension.

    Args:
        arguments: arrays by name.
    """
    for name, value in arguments.items():
        if not jnp.ndim(value):
            raise ValueError(f"expected {name} to have a last dimension, got {value}")
