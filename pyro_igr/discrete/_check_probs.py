"""Checks of Gaussians, and of probabilities that they are to reach."""

import torch
from torch import Tensor

from pyro_igr._host import is_all_true
from pyro_igr._numerics.checks import check_positive, check_real, refuse_complex
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.tensors import as_tensor


def check_gaussians(
    loc: Tensor, scale: Tensor, *, validate_args: bool | None = None
) -> None:
    """Raises unless means are real and standard deviations positive, and finite.

    Args:
        loc: means.
        scale: standard deviations.
        validate_args: whether to check; the host's default if None.
    """
    check_positive(scale=scale, validate_args=validate_args)
    check_real(loc=loc, scale=scale, validate_args=validate_args)


def check_probs(probs: Tensor) -> None:
    """Raises unless ``probs`` are weights of a point in the interior of the simplex.

    Args:
        probs: probabilities up to a factor, of shape ``batch + (K,)``.

    Raises:
        TypeError: if they are complex.
        ValueError: naming what was found instead of positive and finite entries.
    """
    _check_shape("probs", probs)
    probs = as_tensor(probs)
    if not is_all_true((probs > 0) & (probs < torch.inf)):
        raise ValueError(
            "expected every entry of probs to be positive and finite, since a Gaussian "
            "reaches the interior of the simplex only; got entries from "
            f"{probs.min()} to {probs.max()}"
        )


def to_log_probs(probs: Tensor | None, logits: Tensor | None) -> Tensor:
    """Normalised log probabilities from one of ``probs`` and ``logits``.

    They are in single precision at least.

    Args:
        probs: probabilities up to a factor, of shape ``batch + (K,)``.
        logits: log probabilities up to a constant, of the same shape.

    Raises:
        TypeError: if they are complex.
        ValueError: unless exactly one is given, in the interior of the simplex.
    """
    if probs is not None and logits is None:
        check_probs(probs)
        (probs,), _ = in_full_precision(probs)
        return probs.log().log_softmax(-1)
    if logits is None or probs is not None:
        raise ValueError("expected exactly one of probs and logits")
    _check_shape("logits", logits)
    (logits,), _ = in_full_precision(logits)
    log_probs = logits.log_softmax(-1)
    least = torch.finfo(logits.dtype).min / 2  # the square of a mean is twice as large
    if not is_all_true(log_probs > least):
        raise ValueError(
            f"expected every entry of logits to be finite, and none {-least:.0e} below "
            "the others, since a Gaussian reaches the interior of the simplex only; "
            f"got entries from {logits.min()} to {logits.max()}: leave impossible "
            "categories out, or give them -1e4"
        )
    return log_probs


def _check_shape(name: str, value: Tensor) -> None:
    refuse_complex(**{name: value})
    shape = tuple(as_tensor(value).shape)
    if not shape or shape[-1] < 2:
        raise ValueError(
            f"expected {name} to have a last dimension of size K >= 2, "
            f"got shape {shape}"
        )
