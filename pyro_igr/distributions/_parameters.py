"""The parameters of a distribution: their values, and the shapes these imply."""

from operator import is_
from typing import cast

import torch
from torch import Size, Tensor

from pyro_igr._host import is_all_true
from pyro_igr._numerics.checks import refuse_complex


def infer_shapes(**arg_shapes: Size) -> tuple[Size, Size]:
    """Batch and event shape from the shapes of the parameters.

    Args:
        arg_shapes: of ``loc`` and ``scale``, which end in K-1, and of the others.
    """
    batch_shapes = [
        shape[:-1] if name in ("loc", "scale") else shape
        for name, shape in arg_shapes.items()
    ]
    (n,) = torch.broadcast_shapes(arg_shapes["loc"][-1:], arg_shapes["scale"][-1:])
    return torch.broadcast_shapes(*batch_shapes), Size((n + 1,))


def to_arrays(parameters: dict[str, Tensor | float]) -> dict[str, Tensor]:
    """Parameters as arrays; plain numbers take the dtype of ``loc`` and ``scale``.

    Args:
        parameters: arrays or plain numbers by name, ``loc`` and ``scale`` included.

    Raises:
        TypeError: if one is complex.
    """
    refuse_complex(**parameters)
    loc = torch.as_tensor(parameters["loc"])
    scale = torch.as_tensor(parameters["scale"])
    dtype = torch.promote_types(loc.dtype, scale.dtype) if scale.dim() else loc.dtype
    if not dtype.is_floating_point:
        dtype = torch.get_default_dtype()
    return {
        name: torch.as_tensor(value, dtype=dtype, device=loc.device)
        for name, value in parameters.items()
    }


def check_shapes(parameters: dict[str, Tensor]) -> tuple[Size, Size]:
    """Batch and event shape of a distribution with these parameters.

    Args:
        parameters: arrays by name, ``loc`` and ``scale`` included.

    Raises:
        ValueError: if ``loc`` has no event dimension or the shapes do not broadcast.
    """
    shapes = {name: value.shape for name, value in parameters.items()}
    if not shapes["loc"] or not shapes["loc"][-1]:
        raise ValueError(
            "expected loc to have a last dimension of size K-1 >= 1, "
            f"got shape {tuple(shapes['loc'])}"
        )
    try:
        return infer_shapes(**shapes)
    except RuntimeError as error:
        found = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
        raise ValueError(
            f"expected the shapes of the parameters to broadcast, got {found}"
        ) from error


def is_shared(given: tuple, held: tuple) -> bool:
    """Whether two distributions share a parameter: the object, or concrete values.

    One may have been given what the other holds, as of a prior that was an argument.

    Args:
        given: the parameter of each distribution as it was given.
        held: the parameter of each distribution as it is held.
    """
    if all(isinstance(x, tuple) for x in held):
        return len(held[0]) == len(held[1]) and all(map(is_, *held))
    own, other = zip(given, held, strict=True)
    if any(x is y for x in own for y in other):
        return True
    # Which torch documents, but does not mark as exported.
    tracing = torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    if tracing and any(isinstance(x, Tensor) for x in given):
        return False
    return cast(bool, is_all_true(torch.as_tensor(held[0] == held[1])))
