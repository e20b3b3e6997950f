"""The means whose argmax has given probabilities: the inverse of Prop. 2."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.nn import log_softmax
from jax.typing import ArrayLike

from numpyro_igr._host import not_jax_tracer
from numpyro_igr._numerics.checks import check_positive
from numpyro_igr._numerics.chunks import by_chunks
from numpyro_igr._numerics.newton import damped_newton, implicit_root
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr._numerics.probit import probit_of_log_odds
from numpyro_igr._numerics.shapes import check_shapes
from numpyro_igr.discrete._check_probs import to_log_probs
from numpyro_igr.discrete._log_odds import residual_and_jacobian
from numpyro_igr.discrete._rules import (
    APART,
    COARSE,
    FINE,
    SIMILAR,
    Rule,
    are_common,
    are_few,
    are_within,
    panels_of,
    rule_for,
    width_of,
)

# Negligible beside 1, even in single precision.
SMALL = 1e-8


def match_probs(
    probs: Array,
    scale: ArrayLike = 1.0,
    num_panels: int | None = None,
    num_nodes: int | None = None,
) -> Array:
    r"""The unique ``loc`` for which ``argmax_probs(loc, scale)`` is ``probs``.

    :math:`A(\mu) = E \max(0, y)` is convex with gradient ``argmax_probs``, so that
    every interior point of the simplex is reached by exactly one mean. Found by
    damped Newton steps on the log probabilities; differentiable in ``probs`` and
    ``scale`` by the implicit function theorem, three times.

    Shape:
        ``probs``: ``batch + (K,)``; ``scale``: ``batch + (K-1,)`` or a plain number;
        result ``batch + (K-1,)``.

    Args:
        probs: probabilities, all positive; weights are normalised.
        scale: standard deviations of the Gaussians, positive.
        num_panels: quadrature panels, as in ``argmax_probs``.
        num_nodes: quadrature nodes in each panel, likewise.

    Raises:
        ValueError: if an entry of ``probs`` or ``scale`` is not positive.

    Accuracy:
        The probabilities are met to 1e-9 in float64 and to 1e-5 in float32 (scale 1, K
        = 2 to 200). Masked categories, of logits down to -1e9, leave the others theirs
        to 1e-8, and to 1e-3 in float32, where a masked category K makes means so large
        that their rounding shows. How rare a category is beside one of large mean is
        met to a tenth of its log (K = 4); ``argmax_probs`` tells it less exactly.
    Source:
        Not in the paper, which gives up the interpretation of its parameters.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import argmax_probs, match_probs
        >>> loc = match_probs(jnp.array([0.5, 0.3, 0.2]))
        >>> [round(x, 4) for x in argmax_probs(loc, jnp.ones(2)).tolist()]
        [0.5, 0.3, 0.2]
    """
    check_positive(scale=scale)
    given = to_log_probs(probs, None), scale, num_panels, num_nodes
    _, dtype = in_full_precision(probs, scale)
    return match_log_probs(*given, validate_args=False).astype(dtype)


def match_log_probs(
    log_probs: Array,
    scale: ArrayLike = 1.0,
    num_panels: int | None = None,
    num_nodes: int | None = None,
    *,
    validate_args: bool | None = None,
) -> Array:
    """:func:`match_probs` from log probabilities, which it normalises."""
    check_positive(scale=scale, validate_args=validate_args)
    (log_probs, scale), dtype = in_full_precision(log_probs, scale)
    shapes = {"loc": log_probs[..., 1:].shape, "scale": scale.shape}
    check_shapes(shapes, is_matched=True)
    rule = panels_of(num_panels, num_nodes) or rule_for(scale)
    if isinstance(rule, str) and not_jax_tracer(log_probs):
        rule = rule if are_common(np.asarray(log_probs)) else COARSE
    is_known = isinstance(rule, tuple) or not_jax_tracer(log_probs)
    return _match(log_probs, scale, rule, is_known).astype(dtype)


@partial(jax.jit, static_argnames=("rule", "is_known"))
def _match(
    log_probs: Array,
    scale: Array,
    rule: Rule | None,
    is_known: bool,  # noqa: FBT001
) -> Array:
    target = log_softmax(log_probs, -1)
    n = target.shape[-1] - 1
    shape = (*jnp.broadcast_shapes(target.shape[:-1], jnp.shape(scale)[:-1]), n)
    target = jnp.broadcast_to(target, (*shape[:-1], n + 1))
    scale = jnp.broadcast_to(scale, shape)
    if rule is not None and is_known:
        return _solve(target, scale, rule)
    by_bulk, by_few, by_coarse, by_fine = (
        partial(_solve, rule=x) for x in (rule or "similar", "few", COARSE, FINE)
    )
    is_easy = are_common(target) & are_within(SIMILAR, scale)
    by_either = partial(lax.cond, is_easy, by_bulk, jax.checkpoint(by_coarse))
    if are_few(scale):
        by_either = by_few
    if rule is not None:
        return by_either(target, scale)
    is_within = are_within(APART, scale)
    return lax.cond(is_within, by_either, jax.checkpoint(by_fine), target, scale)


def _solve(target: Array, scale: Array, rule: Rule) -> Array:
    excess = partial(residual_and_jacobian, rule=rule)

    def newton(target: Array, scale: Array) -> Array:
        return damped_newton(
            lambda loc: excess(loc, target, scale),
            _start(target, scale),
            error_of=partial(_error, target),
        )

    def differentiate(loc: Array, target: Array, scale: Array) -> Array:
        return implicit_root(loc, excess, target, scale)

    width = width_of(scale, rule)
    loc = by_chunks(newton, width, *lax.stop_gradient((target, scale)))
    return by_chunks(differentiate, width, loc, target, scale)


def _error(target: Array, excess: Array) -> Array:
    """The excess of each log probability, in units of its rounding.

    Beside the most probable category: log odds to one that is very rare are so large
    that their rounding hides all others.
    """
    excess = jnp.concatenate([excess, jnp.zeros_like(excess[..., :1])], -1)
    best = target.argmax(-1, keepdims=True)
    excess = excess - jnp.take_along_axis(excess, best, -1)
    rounding = 100 * jnp.finfo(target.dtype).eps * jnp.maximum(-target, 1)
    return (abs(excess) / rounding).max(-1, keepdims=True)


def _start(target: Array, scale: Array) -> Array:
    r"""The answer if :math:`-\log \Phi(-\mu_j / \sigma_j)` were proportional to p.

    These add up to :math:`-\log p_K`: it is the answer where probabilities are equal.
    """
    total = -target[..., -1:]
    log_share = target[..., :-1] + _log_quotient(total)
    share = jnp.exp(log_share)
    return -scale * probit_of_log_odds(_log_quotient(share) - log_share - share)


def _log_quotient(x: Array) -> Array:
    """Log of x / (1 - exp(-x)), which tends to 0 with x."""
    x = jnp.maximum(x, SMALL)
    return jnp.log(x / -jnp.expm1(-x))
