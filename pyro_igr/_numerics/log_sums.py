"""Logs of running sums of exponentials, with derivatives of every order."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def log_sums_from(x: Tensor) -> Tensor:
    """Log of the sum of exponentials of each entry and all after it.

    Shape:
        ``batch + (n,)`` to the same.

    Args:
        x: finite numbers.
    """
    # The host's logcumsumexp has no second derivative where a first one is 0.
    step = 1
    while step < x.shape[-1]:
        sums = _log_add(x[..., :-step], x[..., step:])
        x = torch.cat([sums, x[..., -step:]], -1)
        step *= 2
    return x


# Nor has the host's logaddexp where one number is far larger than the other.
def _log_add(x: Tensor, y: Tensor) -> Tensor:
    return torch.where(x > y, x - logsigmoid(x - y), y - logsigmoid(y - x))
