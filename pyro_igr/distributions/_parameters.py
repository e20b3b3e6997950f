"""The parameters of a distribution: their values, and whether two share them."""

from operator import is_
from typing import cast

import torch
from torch import Tensor

from pyro_igr._host import is_all_true
from pyro_igr._numerics.checks import refuse_complex
from pyro_igr._numerics.tensors import as_tensor


def to_arrays(parameters: dict[str, Tensor | float]) -> dict[str, Tensor]:
    """Parameters as arrays; plain numbers take the dtype of ``loc`` and ``scale``.

    Args:
        parameters: arrays or plain numbers by name, ``loc`` and ``scale`` included.

    Raises:
        TypeError: if one is complex.
    """
    refuse_complex(**parameters)
    loc = as_tensor(parameters["loc"])
    scale = as_tensor(parameters["scale"])
    dtype = torch.promote_types(loc.dtype, scale.dtype) if scale.dim() else loc.dtype
    if not dtype.is_floating_point:
        dtype = torch.get_default_dtype()
    return {
        name: torch.as_tensor(value, dtype=dtype, device=loc.device)
        for name, value in parameters.items()
    }


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
    return cast(bool, is_all_true(as_tensor(held[0] == held[1])))
