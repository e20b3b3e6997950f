"""Arithmetic in full precision, whatever numbers the arguments are."""

from functools import reduce
from numbers import Number

import torch
from torch import Tensor

from pyro_igr._numerics.tensors import as_tensor


def in_full_precision(*values: Tensor | float) -> tuple[list[Tensor], torch.dtype]:
    """The values in one float dtype of 32 bits or more, and the dtype to return.

    Integers mean what the same reals mean; floats of unequal dtypes are promoted as in
    the host's arithmetic.

    Args:
        values: arrays or plain numbers.

    Raises:
        TypeError: if one of them is complex.
    """
    tensors = [as_tensor(x) for x in values if not isinstance(x, Number)]
    if any(x.is_complex() for x in tensors):
        raise TypeError("expected real numbers, got complex ones")
    floats = [x for x in tensors if x.is_floating_point()]
    floats = [x.dtype for x in floats if x.dim()] or [x.dtype for x in floats]
    dtype = reduce(torch.promote_types, floats or [torch.get_default_dtype()])
    working = torch.promote_types(dtype, torch.float32)
    device = tensors[0].device if tensors else None
    return [torch.as_tensor(x, dtype=working, device=device) for x in values], dtype
