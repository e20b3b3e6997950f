"""The rounding of values in half precision, which a check of a simplex must allow."""

import torch
from torch import Tensor

from pyro_igr._numerics.checks import refuse_complex
from pyro_igr._numerics.precision import in_full_precision


def absorb_rounding(value: Tensor) -> Tensor:
    """Rescales half-precision values whose sum misses 1 by rounding only.

    The host's check of a simplex allows 1e-6, which half precision cannot meet.

    Args:
        value: of a distribution on the simplex, with any batch.

    Raises:
        TypeError: if it is complex.
    """
    refuse_complex(value=value)
    if getattr(value, "dtype", None) not in (torch.float16, torch.bfloat16):
        return value
    total = value.float().sum(-1, keepdim=True)
    rounding = value.shape[-1] * torch.finfo(value.dtype).eps
    return value.float() / torch.where((total - 1).abs() < rounding, total, 1.0)


def to_score(value: Tensor, *parameters: Tensor) -> tuple[list[Tensor], torch.dtype]:
    """A value and parameters in full precision, and the dtype of its density.

    Args:
        value: of a distribution on the simplex, or its logarithm, with any batch.
        parameters: of the distribution.
    """
    _, dtype = in_full_precision(value, *parameters)
    values, _ = in_full_precision(absorb_rounding(value), *parameters)
    return values, dtype
