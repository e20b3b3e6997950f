"""The means whose argmax has given probabilities: the inverse of Prop. 2."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_softmax, softmax
from jax.typing import ArrayLike

from numpyro_igr._numerics.checks import check_positive
from numpyro_igr._numerics.newton import damped_newton, implicit_root
from numpyro_igr._numerics.normal_maximum import log_reversed_hazards
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr._numerics.probit import probit_of_log_odds
from numpyro_igr.discrete._check_probs import to_log_probs
from numpyro_igr.discrete.argmax import integrand, log_probs_from


def match_probs(
    probs: Array,
    scale: ArrayLike = 1.0,
    num_panels: int = 16,
    num_nodes: int = 8,
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
        num_nodes: quadrature nodes in each panel.

    Raises:
        ValueError: if an entry of ``probs`` or ``scale`` is not positive.

    Accuracy:
        The probabilities are met to 1e-10 in float64 and to 1e-6 in float32 (scale 1, K
        = 2 to 200).
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
    log_probs = to_log_probs(probs, None)
    _, dtype = in_full_precision(probs, scale)
    return match_log_probs(log_probs, scale, num_panels, num_nodes).astype(dtype)


@partial(jax.jit, static_argnames=("num_panels", "num_nodes"))
def match_log_probs(
    log_probs: Array,
    scale: ArrayLike = 1.0,
    num_panels: int = 16,
    num_nodes: int = 8,
) -> Array:
    """:func:`match_probs` from log probabilities, which it normalises."""
    (log_probs, scale), dtype = in_full_precision(log_probs, scale)
    target = log_softmax(log_probs, -1)
    n = target.shape[-1] - 1
    shape = (*jnp.broadcast_shapes(target.shape[:-1], jnp.shape(scale)[:-1]), n)
    target = jnp.broadcast_to(target, (*shape[:-1], n + 1))
    scale = jnp.broadcast_to(scale, shape)
    rule = num_panels, num_nodes
    fixed = lax.stop_gradient((target, scale))
    rounding = 100 * jnp.finfo(target.dtype).eps
    loc = damped_newton(
        lambda loc: _residual_and_jacobian(loc, *fixed, rule),
        _start(*fixed),
        tolerance=rounding * jnp.maximum((-fixed[0]).max(-1, keepdims=True), 1),
    )
    return implicit_root(
        loc, lambda loc: _residual_and_jacobian(loc, target, scale, rule)
    ).astype(dtype)


def _start(target: Array, scale: Array) -> Array:
    """The answer if category k had only category K to beat."""
    return scale * probit_of_log_odds(target[..., :-1] - target[..., -1:])


def _residual_and_jacobian(
    loc: Array, target: Array, scale: Array, rule: tuple[int, int]
) -> tuple[Array, Array]:
    r"""Excess of the log odds :math:`\log p_j - \log p_K`, and their derivatives.

    Those of :math:`\log p_j` in :math:`\mu_k` are :math:`-p_j^{-1} \int F r_j r_k dt`
    off the diagonal, and a row of them sums to :math:`F(0) r_j(0) / p_j`, since a
    common shift only moves mass from category K; that of :math:`\log p_K = \log F(0)`
    is :math:`-r_k(0)`.
    """
    log_density, log_hazards = integrand(loc, scale, *rule)
    log_probs = log_probs_from(log_density, log_hazards, loc, scale)
    log_odds = log_probs[..., :-1] - log_probs[..., -1:]
    weights = softmax(log_density[..., None] + log_hazards, 0)
    identity = jnp.eye(loc.shape[-1], dtype=loc.dtype)
    off = -jnp.einsum("t...j,t...k->...jk", weights, jnp.exp(log_hazards))
    off = off * (1 - identity)
    log_hazards_0 = log_reversed_hazards(jnp.zeros_like(loc[..., 0]), loc, scale)
    row_sums = jnp.exp(log_hazards_0 - log_odds)
    jacobian = off + identity * (row_sums - off.sum(-1))[..., None]
    jacobian = jacobian + jnp.exp(log_hazards_0)[..., None, :]
    return log_odds - (target[..., :-1] - target[..., -1:]), jacobian
