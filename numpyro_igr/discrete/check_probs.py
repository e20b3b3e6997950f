"""A check that probabilities can be reached by a law with full support."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import log_softmax
from jax.typing import ArrayLike
from numpyro.util import not_jax_tracer

TOLERANCE = 1e-4


def check_probs(probs: Array) -> None:
    """Raises unless ``probs`` lies in the interior of the simplex.

    Args:
        probs: probabilities, of shape ``batch + (K,)``.

    Raises:
        ValueError: naming what was found instead of positive entries that sum to 1.
    """
    if jnp.ndim(probs) == 0 or jnp.shape(probs)[-1] < 2:
        raise ValueError(
            "expected probs to have a last dimension of size K >= 2, "
            f"got shape {jnp.shape(probs)}"
        )
    if not not_jax_tracer(probs):  # as the host, which leaves traced values be
        return
    probs = np.asarray(probs)
    error = abs(probs.sum(-1) - 1)
    if not np.all(probs > 0):
        raise ValueError(
            "expected every entry of probs to be positive, since a Gaussian reaches "
            f"the interior of the simplex only; got a smallest entry of {probs.min()}"
        )
    if not np.all(error < TOLERANCE):
        raise ValueError(f"expected probs to sum to 1, they miss it by {error.max()}")


def to_log_probs(probs: ArrayLike | None, logits: ArrayLike | None) -> Array:
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
        return log_softmax(jnp.log(probs), -1)
    log_probs = log_softmax(logits, -1)
    check_probs(jnp.exp(log_probs))
    return log_probs
