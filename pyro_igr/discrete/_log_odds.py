"""Log odds of the discrete distribution of softmax++, and their Jacobian."""

from collections.abc import Callable

import torch
from torch import Tensor

from pyro_igr._numerics.bulk_nodes import bulk_nodes
from pyro_igr._numerics.maximum_integrals import shares_and_hazards
from pyro_igr._numerics.normal import log_ndtr
from pyro_igr._numerics.normal_maximum import log_reversed_hazards
from pyro_igr.discrete._rules import nodes_of
from pyro_igr.discrete.argmax import integrand, log_probs_from


def residual_and_jacobian(
    loc: Tensor, target: Tensor, scale: Tensor, rule: str, panels: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    r"""Excess of the log odds :math:`\log p_j - \log p_K`, and their derivatives.

    Those of :math:`\log p_j` in :math:`\mu_k` are :math:`-p_j^{-1} \int F r_j r_k dt`
    off the diagonal; that of :math:`\log p_K = \log F(0)` is :math:`-r_k(0)`.
    """
    at_rule = _by_panels if rule == "panels" else _by_bulk
    log_odds, off, diagonal = at_rule(loc, scale, rule, panels)
    off = off - torch.diag_embed(off.diagonal(dim1=-2, dim2=-1))
    log_hazards_0 = log_reversed_hazards(torch.zeros_like(loc[..., 0]), loc, scale)
    jacobian = off + torch.diag_embed(diagonal(off, log_hazards_0))
    jacobian = jacobian + log_hazards_0.exp().unsqueeze(-2)
    return log_odds - (target[..., :-1] - target[..., -1:]), jacobian


def _by_panels(
    loc: Tensor, scale: Tensor, _: str, panels: tuple[int, int]
) -> tuple[Tensor, Tensor, Callable]:
    """Log odds, derivatives off the diagonal, and those on it.

    A row sums to :math:`F(0) r_j(0) / p_j`: a common shift only moves mass from
    category K.
    """
    log_density, log_hazards = integrand(loc, scale, *panels)
    log_probs = log_probs_from(log_density, log_hazards, loc, scale)
    log_odds = log_probs[..., :-1] - log_probs[..., -1:]
    weights = (log_density.unsqueeze(-1) + log_hazards).softmax(0)
    off = -torch.einsum("t...j,t...k->...jk", weights, log_hazards.exp())

    def diagonal(off: Tensor, log_hazards_0: Tensor) -> Tensor:
        return (log_hazards_0 - log_odds).exp() - off.sum(-1)

    return log_odds, off, diagonal


def _by_bulk(
    loc: Tensor, scale: Tensor, rule: str, _: tuple[int, int]
) -> tuple[Tensor, Tensor, Callable]:
    """As :func:`_by_panels`; the derivatives are those of the rule itself."""
    shape = loc.shape
    loc, scale = (x.reshape(-1, shape[-1]).T.contiguous() for x in (loc, scale))
    log_last = log_ndtr(-loc / scale).sum(0, keepdim=True)
    shifted, t, log_weights = bulk_nodes(loc, scale, nodes_of(rule, loc.dtype))
    log_p, u, shares, hazards = shares_and_hazards(shifted, scale, t, log_weights)
    off = -torch.einsum("tjb,tkb->bjk", shares, hazards)
    own = (shares * u).sum(0) / scale
    log_odds, own = (x.T.reshape(shape) for x in (log_p - log_last, own))
    return log_odds, off.reshape(*shape, shape[-1]), lambda *_: own
