"""The means whose argmax has given probabilities: the inverse of Prop. 2."""

import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_softmax, softmax
from jax.typing import ArrayLike

from numpyro_igr.discrete.argmax_probs import integrand, log_argmax_probs
from numpyro_igr.discrete.check_probs import check_probs
from numpyro_igr.discrete.maximum import log_reversed_hazards
from numpyro_igr.discrete.probit import probit_of_log_odds

MAX_STEPS = 60
SMALLEST_DAMPING = 2.0**-12


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
    ``scale`` by the implicit function theorem (first derivatives only).

    Shape: ``probs``: ``batch + (K,)``; ``scale``: ``batch + (K-1,)`` or a plain
    number; result ``batch + (K-1,)``.

    Args:
        probs: probabilities, all positive.
        scale: standard deviations of the Gaussians, positive.
        num_panels: quadrature panels, as in ``argmax_probs``.
        num_nodes: quadrature nodes in each panel.

    Raises:
        ValueError: if an entry of ``probs`` is not positive or the sum is not 1.

    Accuracy: the probabilities are met to 1e-10 in float64 and to 1e-6 in float32
        (scale 1, K = 2 to 200).
    Source: not in the paper, which gives up the interpretation of its parameters.
    """
    check_probs(probs)
    return match_log_probs(jnp.log(probs), scale, num_panels, num_nodes)


def match_log_probs(
    log_probs: Array,
    scale: ArrayLike = 1.0,
    num_panels: int = 16,
    num_nodes: int = 8,
) -> Array:
    """:func:`match_probs` from log probabilities, which it normalises."""
    target = log_softmax(log_probs, -1)
    n = target.shape[-1] - 1
    shape = (*jnp.broadcast_shapes(target.shape[:-1], jnp.shape(scale)[:-1]), n)
    target = jnp.broadcast_to(target, (*shape[:-1], n + 1))
    scale = jnp.broadcast_to(jnp.asarray(scale, target.dtype), shape)
    rule = num_panels, num_nodes
    loc = _newton(*lax.stop_gradient((target, scale)), rule)
    jacobian = lax.stop_gradient(_alr_jacobian(loc, scale, rule))
    return loc - _solve(jacobian, _residual(loc, target, scale, rule))


def _newton(target: Array, scale: Array, rule: tuple[int, int]) -> Array:
    def unfinished(state: tuple) -> Array:
        step, _, residual, damping = state
        unsolved = _size(residual) > 100 * jnp.finfo(target.dtype).eps
        return (step < MAX_STEPS) & (unsolved & (damping > SMALLEST_DAMPING)).any()

    def iterate(state: tuple) -> tuple:
        step, loc, residual, damping = state
        newton = _solve(_alr_jacobian(loc, scale, rule), residual)
        new_loc = loc - damping * newton
        new_residual = _residual(new_loc, target, scale, rule)
        better = _size(new_residual) < _size(residual)
        damping = jnp.where(better, jnp.ones_like(damping), damping / 2)
        loc = jnp.where(better, new_loc, loc)
        return step + 1, loc, jnp.where(better, new_residual, residual), damping

    loc = _start(target, scale)
    residual = _residual(loc, target, scale, rule)
    start = 0, loc, residual, jnp.ones_like(loc[..., :1])
    return lax.while_loop(unfinished, iterate, start)[1]


def _solve(matrix: Array, vector: Array) -> Array:
    return jnp.linalg.solve(matrix, vector[..., None])[..., 0]


def _size(residual: Array) -> Array:
    return abs(residual).max(-1, keepdims=True)


def _start(target: Array, scale: Array) -> Array:
    """The answer if category k had only category K to beat."""
    return scale * probit_of_log_odds(target[..., :-1] - target[..., -1:])


def _residual(loc: Array, target: Array, scale: Array, rule: tuple[int, int]) -> Array:
    """How far the log odds against category K are from their targets."""
    excess = log_argmax_probs(loc, scale, *rule) - target
    return excess[..., :-1] - excess[..., -1:]


def _alr_jacobian(loc: Array, scale: Array, rule: tuple[int, int]) -> Array:
    r"""Derivatives of :math:`\log p_j - \log p_K` in :math:`\mu_k`, j and k below K.

    That of :math:`\log p_j` is :math:`-p_j^{-1} \int F r_j r_k dt` off the diagonal,
    and its rows sum to :math:`F(0) r_j(0) / p_j`, since a common shift only moves
    mass from category K; that of :math:`\log p_K = \log F(0)` is :math:`-r_k(0)`.
    """
    log_density, log_hazards = integrand(loc, scale, *rule)
    weights = softmax(log_density[..., None] + log_hazards, 0)
    off = -jnp.einsum("t...j,t...k->...jk", weights, jnp.exp(log_hazards))
    identity = jnp.eye(loc.shape[-1], dtype=loc.dtype)
    off = off * (1 - identity)
    log_probs = log_argmax_probs(loc, scale, *rule)
    log_hazards_0 = log_reversed_hazards(jnp.zeros_like(loc[..., 0]), loc, scale)
    row_sums = jnp.exp(log_hazards_0 + log_probs[..., -1:] - log_probs[..., :-1])
    jacobian = off + identity * (row_sums - off.sum(-1))[..., None]
    return jacobian + jnp.exp(log_hazards_0)[..., None, :]
