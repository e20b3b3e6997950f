"""Where the largest entry of a vector is."""

import torch
from torch import Tensor


# The host's one_hot looks at its values, which vmap of grad does not allow.
def is_at(index: Tensor, size: int) -> Tensor:
    """True at the index.

    Shape:
        ``batch`` to ``batch + (size,)``.

    Args:
        index: integers from 0.
        size: how many entries there are.
    """
    return index.unsqueeze(-1) == torch.arange(size, device=index.device)


def is_first_largest(x: Tensor) -> Tensor:
    """True at the first largest entry.

    Shape:
        ``batch + (K,)`` to the same.

    Args:
        x: numbers.
    """
    return is_at(x.argmax(-1), x.shape[-1])
