"""The shapes of means, standard deviations and what is beside, and whether they fit."""

from numbers import Real
from typing import Any

import torch
from torch import Size, Tensor

from pyro_igr._host import is_compiling, is_tracing
from pyro_igr._numerics.tensors import as_tensor


def broadcast_shapes(*shapes: Size) -> Size:
    """As that of PyTorch, but at once if all shapes are the same or empty.

    PyTorch's imports symbolic algebra, and takes a third of the time of a distribution.

    Args:
        shapes: of arrays.
    """
    widest = max(shapes, key=len)
    if is_tracing() or is_compiling() or any(s not in ((), widest) for s in shapes):
        return torch.broadcast_shapes(*shapes)
    return Size(widest)


def infer_shapes(**arg_shapes: Size) -> tuple[Size, Size]:
    """Batch and event shape from the shapes of the parameters.

    Args:
        arg_shapes: of ``loc`` and ``scale``, which end in K-1, and of the others.
    """
    batch_shapes = [
        shape[:-1] if name in ("loc", "scale") else shape
        for name, shape in arg_shapes.items()
    ]
    (n,) = broadcast_shapes(arg_shapes["loc"][-1:], arg_shapes["scale"][-1:])
    return broadcast_shapes(*batch_shapes), Size((n + 1,))


def check_shapes(
    shapes: dict[str, Size], *, is_matched: bool = False
) -> tuple[Size, Size]:
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
    except RuntimeError:
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
    return getattr(value, "ndim", None) == 0 and not torch.is_complex(as_tensor(value))


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


def check_vectors(**arguments: Tensor) -> None:
    """Raises if an argument is a number, without a last dimension.

    Args:
        arguments: arrays by name.
    """
    for name, value in arguments.items():
        if not as_tensor(value).dim():
            raise ValueError(f"expected {name} to have a last dimension, got {value}")
