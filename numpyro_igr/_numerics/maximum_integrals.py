"""Integrals over the maximum of Gaussians, one for each that may be the largest."""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import logsumexp, softmax

from numpyro_igr._numerics.bulk_nodes import NUM_BELOW
from numpyro_igr._numerics.bulk_terms import Terms, terms_below, terms_inside

PARTS = (
    (terms_below, slice(None, NUM_BELOW)),
    (terms_inside, slice(NUM_BELOW, None)),
)
# The most Gaussians whose distribution functions are multiplied. In single precision
# the rounding of a longer product shows, and that of a sum of logarithms does not.
MANY = 1000


def log_integrals(loc: Array, scale: Array, t: Array, log_weights: Array) -> Array:
    r"""Log of :math:`\int F r_k dt` at given nodes, and its derivatives by hand.

    With :math:`u = (t - \mu) / \sigma`, :math:`h = \phi / \Phi` and :math:`w_k` the
    share of a node in the k-th integral,

    .. math:: d \log \int F r_k = \sum_t w_k \Big[(u_k + h_k) \, \delta_k -
              \sum_j h_j \delta_j\Big] - \frac{d \sigma_k}{\sigma_k}, \qquad
              \delta = \frac{d \mu + u \, d \sigma}{\sigma}

    so that nothing is evaluated in a derivative that is not in the value. Derivatives
    of every order are right; nodes and weights are constants to them.

    Shape:
        ``loc``, ``scale`` and result: ``batch + (n,)``; nodes and log weights:
        ``batch + (nodes,)`` in NumPyro. In Pyro n and nodes are the first dimension.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes.
        log_weights: logs of their weights.
    """
    log_sums = [
        _log_integrals(terms_at, loc, scale, t[..., nodes], log_weights[..., nodes])
        for terms_at, nodes in _parts_of(loc)
    ]
    return logsumexp(jnp.stack(log_sums), 0)


def shares_and_hazards(
    loc: Array, scale: Array, t: Array, log_weights: Array
) -> tuple[Array, Array, Array, Array]:
    r""":func:`log_integrals`, and what their derivatives are made of, at each node.

    That is u, the shares :math:`w_k`, and the hazards :math:`h / \sigma`.

    Shape:
        The first result is as there; in NumPyro nodes are the last dimension but one of
        the others, in Pyro the first.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes.
        log_weights: logs of their weights.
    """
    parts = [
        terms_at(loc, scale, t[..., nodes], log_weights[..., nodes])
        for terms_at, nodes in _parts_of(loc)
    ]
    log_sums = jnp.stack([_log_sum(part) for part in parts])
    columns = zip(*map(_factors, parts, softmax(log_sums, 0)), strict=True)
    u, hazards, shares = (jnp.concatenate(x, -2) for x in columns)
    log_p = logsumexp(log_sums, 0) - jnp.log(scale)
    return log_p, u, shares, hazards / scale[..., None, :]


def _parts_of(loc: Array) -> Sequence[tuple[Callable, slice]]:
    """How to integrate over which nodes."""
    return ((terms_below, slice(None)),) if loc.shape[-1] > MANY else PARTS


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _log_integrals(terms_at: Callable, *inputs: Array) -> Array:
    _, scale, *_ = inputs
    return _log_sum(terms_at(*inputs)) - jnp.log(scale)


@_log_integrals.defjvp
def _with_tangents(
    terms_at: Callable, primals: tuple, tangents: tuple
) -> tuple[Array, Array]:
    _, scale, *_ = primals
    d_loc, d_scale, *_ = tangents
    terms = terms_at(*primals)
    u, hazards, _ = _factors(terms, jnp.ones_like(scale))
    d_loc, d_scale = d_loc / scale, d_scale / scale
    shift = d_loc[..., None, :] + u * d_scale[..., None, :]
    change = (u + hazards) * shift - (hazards * shift).sum(-1, keepdims=True)
    tangent = (terms.terms * change).sum(-2) / terms.terms.sum(-2) - d_scale
    return _log_integrals(terms_at, *primals), tangent


def _log_sum(x: Terms) -> Array:
    return jnp.log(x.terms.sum(-2)) + x.log_term


def _factors(x: Terms, factor: Array) -> tuple[Array, Array, Array]:
    """Standardised nodes, hazards at them, and a factor times shares in integrals."""
    hazards = x.hazards * jnp.exp(x.log_hazard)[..., None, :]
    return x.u, hazards, x.terms * (factor / x.terms.sum(-2))[..., None, :]
