"""Log odds of the discrete distribution of softmax++, and their Jacobian."""

import jax.numpy as jnp
from jax import Array
from jax.nn import log_softmax, softmax

from numpyro_igr._numerics.bulk_nodes import bulk_nodes
from numpyro_igr._numerics.low_rank import DiagonalPlusLowRank
from numpyro_igr._numerics.maximum_integrals import shares_and_hazards
from numpyro_igr._numerics.normal import log_ndtr
from numpyro_igr._numerics.normal_maximum import log_reversed_hazards
from numpyro_igr.discrete._rules import SIMILAR, Rule, are_common, are_within, nodes_of
from numpyro_igr.discrete.argmax import integrand, integrand_of_few, log_probs_from

# With more Gaussians than that for each node, factors of low rank are smaller and
# faster than the matrix itself.
DENSE = 2


def residual_and_jacobian(
    loc: Array, target: Array, scale: Array, rule: Rule
) -> tuple[Array, Array | DiagonalPlusLowRank]:
    r"""Excess of the log odds :math:`\log p_j - \log p_K`, and their derivatives.

    Those of :math:`\log p_j` in :math:`\mu_k` are :math:`-p_j^{-1} \int F r_j r_k dt`
    off the diagonal; that of :math:`\log p_K = \log F(0)` is :math:`-r_k(0)`. The
    integrals make a matrix of no higher rank than there are nodes. The derivatives are
    those of the rule itself, whose root is found also where it is rough.
    """
    log_hazards_0 = log_reversed_hazards(jnp.zeros_like(loc[..., 0]), loc, scale)
    if rule == "few" or not isinstance(rule, str):
        terms = _integrand(loc, target, scale, rule)
        log_probs, *parts = _by_panels(*terms, loc, scale)
    else:
        log_probs, *parts = _by_bulk(loc, scale, rule)
    assemble = _dense if _is_dense(parts[-1]) else _low_rank
    excess = log_probs - target
    excess = excess[..., :-1] - excess[..., -1:]
    return excess, assemble(jnp.exp(log_hazards_0), *parts)


def _is_dense(hazards: Array) -> bool:
    return hazards.shape[-2] <= DENSE * hazards.shape[-1]


def _dense(hazards_0: Array, own: Array, shares: Array, hazards: Array) -> Array:
    identity = jnp.eye(own.shape[-1], dtype=own.dtype)
    off = jnp.einsum("...jt,...kt->...jk", shares, hazards) * (identity - 1)
    return off + identity * own[..., None] + hazards_0[..., None, :]


def _low_rank(
    hazards_0: Array, own: Array, shares: Array, hazards: Array
) -> DiagonalPlusLowRank:
    ones = jnp.ones_like(own[..., None])
    return DiagonalPlusLowRank(
        own + (shares * hazards).sum(-1),
        jnp.concatenate([-shares, ones], -1),
        jnp.concatenate([hazards, hazards_0[..., None]], -1),
    )


def _integrand(
    loc: Array, target: Array, scale: Array, rule: Rule
) -> tuple[Array, Array, Array]:
    if not isinstance(rule, str):
        return integrand(loc, scale, *rule)
    is_easy = are_within(SIMILAR, scale) & are_common(target)
    return integrand_of_few(is_easy, loc, scale)


def _by_panels(
    log_density: Array, log_hazards: Array, u: Array, loc: Array, scale: Array
) -> tuple[Array, Array, Array, Array]:
    """Log probabilities, derivatives in the own mean, and shares and hazards."""
    log_probs = log_probs_from(log_density, log_hazards, loc, scale)
    shares = softmax(log_density[..., None] + log_hazards, 0)
    own = (shares * u).sum(0) / scale
    shares, hazards = (jnp.moveaxis(x, 0, -1) for x in (shares, jnp.exp(log_hazards)))
    return log_probs, own, shares, hazards


def _by_bulk(loc: Array, scale: Array, rule: str) -> tuple[Array, Array, Array, Array]:
    log_last = log_ndtr(-loc / scale).sum(-1, keepdims=True)
    shifted, t, log_weights = bulk_nodes(loc, scale, nodes_of(rule, loc, loc.shape[-1]))
    log_p, u, shares, hazards = shares_and_hazards(shifted, scale, t, log_weights)
    own = (shares * u).sum(-2) / scale
    log_probs = log_softmax(jnp.concatenate([log_p, log_last], -1), -1)
    shares, hazards = (x.swapaxes(-2, -1) for x in (shares, hazards))
    return log_probs, own, shares, hazards
