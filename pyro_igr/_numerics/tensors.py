"""Tensors as they are, and numbers as tensors."""

from collections.abc import Sequence

import torch
from torch import Tensor


def as_tensor(x: Tensor | float | Sequence[float]) -> Tensor:
    """The tensor that is given, where it is, or what torch makes of numbers.

    That of torch moves a tensor to the default device.

    Args:
        x: a tensor, a number, or numbers.
    """
    return x if isinstance(x, Tensor) else torch.as_tensor(x)
