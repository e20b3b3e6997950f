"""Checks of Gaussians, and of probabilities that they are to reach."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import log_softmax
from jax.typing import ArrayLike

from numpyro_igr._host import not_jax_tracer
from numpyro_igr._numerics.checks import check_positive, check_real, refuse_complex
from numpyro_igr._numerics.precision import at_least_single, in_full_precision


def check_gaussians(
    loc: Array, scale: Array, *, validate_args: bool | None = None
) -> None:
    """Raises unless means are real and standard deviations positive, and finite.

    Args:
        loc: means.
        scale: standard deviations.
        validate_args: whether to check; the host's default if None.
    """
    check_positive(scale=scale, validate_args=validate_args)
    check_real(loc=loc, scale=scale, validate_args=validate_args)


def check_probs(probs: ArrayLike) -> None:
    """Raises unless ``probs`` are weights of a point in the interior of the simplex.

    Args:
        probs: probabilities up to a factor, of shape ``batch + (K,)``.

    Raises:
        TypeError: if they are complex.
        ValueError: naming what was found instead of positive and finite entries.
    """
    _check_shape("probs", probs)
    if not not_jax_tracer(probs):  # as the host, which leaves traced values be
        return
    probs = np.asarray(probs)
    dtype = at_least_single(probs)
    smallest = jnp.finfo(dtype).tiny  # the compiler takes what is less for 0
    if not np.all((probs.astype(dtype) >= smallest) & (probs < np.inf)):
        raise ValueError(
            "expected every entry of probs to be positive and finite, since a Gaussian "
            "reaches the interior of the simplex only; got entries from "
            f"{probs.min()} to {probs.max()}"
        )


def to_log_probs(probs: ArrayLike | None, logits: ArrayLike | None) -> Array:
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
        return log_softmax(jnp.log(probs), -1)
    if logits is None or probs is not None:
        raise ValueError("expected exactly one of probs and logits")
    _check_shape("logits", logits)
    _check_logits(logits)
    (logits,), _ = in_full_precision(logits)
    return log_softmax(logits, -1)


# In NumPy: within jit an operation of jax on values that are known is traced.
def _check_logits(logits: ArrayLike) -> None:
    if not not_jax_tracer(logits):
        return
    dtype = at_least_single(logits)
    logits = np.asarray(logits).astype(dtype)
    least = jnp.finfo(dtype).min / 2  # the square of a mean is twice as large
    with np.errstate(invalid="ignore", over="ignore"):
        below = logits - logits.max(-1, keepdims=True)
    if not np.all(below > least):
        raise ValueError(
            f"expected every entry of logits to be finite, and none {-least:.0e} below "
            "the others, since a Gaussian reaches the interior of the simplex only; "
            f"got entries from {logits.min()} to {logits.max()}: leave impossible "
            "categories out, or give them -1e4"
        )


def _check_shape(name: str, value: ArrayLike) -> None:
    refuse_complex(**{name: value})
    if jnp.ndim(value) == 0 or jnp.shape(value)[-1] < 2:
        raise ValueError(
            f"expected {name} to have a last dimension of size K >= 2, "
            f"got shape {jnp.shape(value)}"
        )
