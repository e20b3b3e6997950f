"""Integrals over the maximum of Gaussians, one for each that may be the largest."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from numpyro_igr._numerics.quick_normal import quick_log_ndtr_and_hazard


@jax.custom_jvp
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
    _, _, top, shares = _terms(loc, scale, t, log_weights)
    return jnp.log(shares.sum(-1)) + top[..., 0] - jnp.log(scale)


@log_integrals.defjvp
def _with_tangents(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    _, scale, _, _ = primals
    u, log_hazard, _, shares = _terms(*primals)
    shares = shares / shares.sum(-1, keepdims=True)
    hazard = jnp.exp(log_hazard)
    d_loc, d_scale = (tangent[..., None] for tangent in tangents[:2])
    shift = (d_loc + u * d_scale) / scale[..., None]
    change = (u + hazard) * shift - (hazard * shift).sum(-2, keepdims=True)
    return log_integrals(*primals), (shares * change).sum(-1) - tangents[1] / scale


def shares_and_hazards(
    loc: Array, scale: Array, t: Array, log_weights: Array
) -> tuple[Array, Array, Array, Array]:
    r""":func:`log_integrals`, and what their derivatives are made of, at each node.

    That is u, the shares :math:`w_k`, and the hazards :math:`h / \sigma`.

    Shape:
        The first result is as there; in NumPyro nodes are the last dimension of the
        others, in Pyro the first.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes.
        log_weights: logs of their weights.
    """
    u, log_hazard, top, shares = _terms(loc, scale, t, log_weights)
    total = shares.sum(-1)
    return (
        jnp.log(total) + top[..., 0] - jnp.log(scale),
        u,
        shares / total[..., None],
        jnp.exp(log_hazard) / scale[..., None],
    )


def _terms(
    loc: Array, scale: Array, t: Array, log_weights: Array
) -> tuple[Array, Array, Array, Array]:
    """Standardised nodes, hazards, and the log of the largest term and all over it."""
    u = (t[..., None, :] - loc[..., None]) / scale[..., None]
    log_cdf, log_hazard = quick_log_ndtr_and_hazard(u)
    log_terms = (log_weights + log_cdf.sum(-2))[..., None, :] + log_hazard
    top = lax.stop_gradient(log_terms.max(-1, keepdims=True))
    return u, log_hazard, top, jnp.exp(log_terms - top)
