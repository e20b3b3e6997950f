"""The first positive Gaussian's distribution: sticks as the temperature falls."""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from numpyro_igr._numerics.checks import check_positive
from numpyro_igr._numerics.log_sums import log_sums_from
from numpyro_igr._numerics.normal_tails import log_ndtr_of_both
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr._numerics.probit import probit_of_log_odds
from numpyro_igr._numerics.running_sums import running_sums
from numpyro_igr._numerics.shapes import check_shapes
from numpyro_igr.discrete._check_probs import check_gaussians, to_log_probs


def stick_probs(loc: Array, scale: Array) -> Array:
    r"""Probabilities that category k is the first with :math:`y_k > 0`.

    .. math::
        p_k = \Phi(\mu_k / \sigma_k) \prod_{i<k} \Phi(-\mu_i / \sigma_i), \qquad
        p_K = \prod_{i<K} \Phi(-\mu_i / \sigma_i)

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; result ``batch + (K,)``.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations, positive.

    Raises:
        ValueError: if ``loc`` is not real or ``scale`` not positive.

    Accuracy:
        1e-10 in float64.
    Source:
        Not in the paper; the limit of the tempering "sticks".

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import stick_probs
        >>> [round(x, 4) for x in stick_probs(jnp.zeros(2), jnp.ones(2)).tolist()]
        [0.5, 0.25, 0.25]
    """
    check_gaussians(loc, scale)
    (loc, scale), dtype = in_full_precision(loc, scale)
    log_probs = log_stick_probs(loc, scale, validate_args=False)
    return jnp.exp(log_probs).astype(dtype)


def log_stick_probs(
    loc: Array, scale: Array, *, validate_args: bool | None = None
) -> Array:
    """Log of :func:`stick_probs`: same arguments, shapes and checks; in nats."""
    check_gaussians(loc, scale, validate_args=validate_args)
    (loc, scale), dtype = in_full_precision(loc, scale)
    check_shapes({"loc": loc.shape, "scale": scale.shape})
    return _log_probs(loc, scale).astype(dtype)


@jax.jit
def _log_probs(loc: Array, scale: Array) -> Array:
    u = loc / scale
    last = jnp.zeros_like(u[..., :1])
    broken, kept = log_ndtr_of_both(u)
    broken = jnp.concatenate([broken, last], -1)
    log_probs = broken + jnp.concatenate([last, running_sums(kept)], -1)
    # Their sum is one but for rounding, so that it has no derivative.
    total = jnp.log(jnp.exp(log_probs).sum(-1, keepdims=True))
    return log_probs - lax.stop_gradient(total)


def match_stick_probs(probs: Array, scale: ArrayLike = 1.0) -> Array:
    r"""The unique ``loc`` for which ``stick_probs(loc, scale)`` is ``probs``.

    .. math:: \mu_k = \sigma_k \Phi^{-1}(h_k), \qquad
              h_k = p_k \Big/ \sum_{i \ge k} p_i

    Shape:
        ``probs``: ``batch + (K,)``; ``scale``: ``batch + (K-1,)`` or a plain number;
        result ``batch + (K-1,)``.

    Args:
        probs: probabilities, all positive; weights are normalised.
        scale: standard deviations of the Gaussians, positive.

    Raises:
        ValueError: if an entry of ``probs`` or ``scale`` is not positive.

    Accuracy:
        The probabilities are met to 1e-10 in float64 and to 1e-6 in float32 (scale 1, K
        = 2 to 200).
    Source:
        Not in the paper.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import stick_probs
        >>> from numpyro_igr.discrete import match_stick_probs
        >>> loc = match_stick_probs(jnp.array([0.5, 0.3, 0.2]))
        >>> [round(x, 4) for x in stick_probs(loc, jnp.ones(2)).tolist()]
        [0.5, 0.3, 0.2]
    """
    check_positive(scale=scale)
    _, dtype = in_full_precision(probs, scale)
    log_probs = to_log_probs(probs, None)
    return match_log_stick_probs(log_probs, scale, validate_args=False).astype(dtype)


def match_log_stick_probs(
    log_probs: Array, scale: ArrayLike = 1.0, *, validate_args: bool | None = None
) -> Array:
    """:func:`match_stick_probs` from log probabilities, up to a constant."""
    check_positive(scale=scale, validate_args=validate_args)
    (log_probs, scale), dtype = in_full_precision(log_probs, scale)
    shapes = {"loc": log_probs[..., 1:].shape, "scale": scale.shape}
    check_shapes(shapes, is_matched=True)
    return _match(log_probs, scale).astype(dtype)


@jax.jit
def _match(log_probs: Array, scale: Array) -> Array:
    tail = log_sums_from(log_probs[..., 1:])
    return scale * probit_of_log_odds(log_probs[..., :-1] - tail)
