"""A check that probabilities can be reached by a law with full support."""

import torch
from torch import Tensor

TOLERANCE = 1e-4


def check_probs(probs: Tensor) -> None:
    """Raises unless ``probs`` lies in the interior of the simplex.

    Args:
        probs: probabilities, of shape ``batch + (K,)``.

    Raises:
        ValueError: naming what was found instead of positive entries that sum to 1.
    """
    if probs.dim() == 0 or probs.shape[-1] < 2:
        raise ValueError(
            "expected probs to have a last dimension of size K >= 2, "
            f"got shape {tuple(probs.shape)}"
        )
    if not torch._is_all_true(probs > 0):
        raise ValueError(
            "expected every entry of probs to be positive, since a Gaussian reaches "
            f"the interior of the simplex only; got a smallest entry of {probs.min()}"
        )
    error = (probs.sum(-1) - 1).abs()
    if not torch._is_all_true(error < TOLERANCE):
        raise ValueError(f"expected probs to sum to 1, they miss it by {error.max()}")


def to_log_probs(probs: Tensor | None, logits: Tensor | None) -> Tensor:
    """Normalised log probabilities from one of ``probs`` and ``logits``.

    Args:
        probs: probabilities, of shape ``batch + (K,)``.
        logits: log probabilities up to a constant, of the same shape.

    Raises:
        ValueError: unless exactly one is given, in the interior of the simplex.
    """
    if (probs is None) == (logits is None):
        raise ValueError("expected exactly one of probs and logits")
    if logits is None:
        check_probs(probs)
        return probs.log().log_softmax(-1)
    log_probs = logits.log_softmax(-1)
    check_probs(log_probs.exp())
    return log_probs
