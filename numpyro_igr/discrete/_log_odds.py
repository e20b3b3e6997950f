"""Log odds of the discrete distribution of softmax++, and their Jacobian."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array
from jax.nn import softmax

from numpyro_igr._numerics.bulk_nodes import bulk_nodes
from numpyro_igr._numerics.maximum_integrals import shares_and_hazards
from numpyro_igr._numerics.normal import log_ndtr
from numpyro_igr._numerics.normal_maximum import log_reversed_hazards
from numpyro_igr.discrete._rules import nodes_of
from numpyro_igr.discrete.argmax import integrand, log_probs_from


def residual_and_jacobian(
    loc: Array, target: Array, scale: Array, rule: str, panels: tuple[int, int]
) -> tuple[Array, Array]:
    r"""Excess of the log odds :math:`\log p_j - \log p_K`, and their derivatives.

    Those of :math:`\log p_j` in :math:`\mu_k` are :math:`-p_j^{-1} \int F r_j r_k dt`
    off the diagonal; that of :math:`\log p_K = \log F(0)` is :math:`-r_k(0)`.
    """
    at_rule = _by_panels if rule == "panels" else _by_bulk
    log_odds, off, diagonal = at_rule(loc, scale, rule, panels)
    identity = jnp.eye(loc.shape[-1], dtype=loc.dtype)
    log_hazards_0 = log_reversed_hazards(jnp.zeros_like(loc[..., 0]), loc, scale)
    off = off * (1 - identity)
    jacobian = off + identity * diagonal(off, log_hazards_0)[..., None]
    jacobian = jacobian + jnp.exp(log_hazards_0)[..., None, :]
    return log_odds - (target[..., :-1] - target[..., -1:]), jacobian


def _by_panels(
    loc: Array, scale: Array, _: str, panels: tuple[int, int]
) -> tuple[Array, Array, Callable]:
    """Log odds, derivatives off the diagonal, and those on it.

    A row sums to :math:`F(0) r_j(0) / p_j`: a common shift only moves mass from
    category K.
    """
    log_density, log_hazards = integrand(loc, scale, *panels)
    log_probs = log_probs_from(log_density, log_hazards, loc, scale)
    log_odds = log_probs[..., :-1] - log_probs[..., -1:]
    weights = softmax(log_density[..., None] + log_hazards, 0)
    off = -jnp.einsum("t...j,t...k->...jk", weights, jnp.exp(log_hazards))

    def diagonal(off: Array, log_hazards_0: Array) -> Array:
        return jnp.exp(log_hazards_0 - log_odds) - off.sum(-1)

    return log_odds, off, diagonal


def _by_bulk(
    loc: Array, scale: Array, rule: str, _: tuple[int, int]
) -> tuple[Array, Array, Callable]:
    """As :func:`_by_panels`; the derivatives are those of the rule itself."""
    log_last = log_ndtr(-loc / scale).sum(-1, keepdims=True)
    shifted, t, log_weights = bulk_nodes(loc, scale, nodes_of(rule, loc.dtype))
    log_p, u, shares, hazards = shares_and_hazards(shifted, scale, t, log_weights)
    off = -jnp.einsum("...jt,...kt->...jk", shares, hazards)
    return log_p - log_last, off, lambda *_: (shares * u).sum(-1) / scale
