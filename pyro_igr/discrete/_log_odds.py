"""Log odds of the discrete distribution of softmax++, and their Jacobian."""

import torch
from torch import Tensor

from pyro_igr._numerics.bulk_nodes import bulk_nodes
from pyro_igr._numerics.low_rank import DiagonalPlusLowRank
from pyro_igr._numerics.maximum_integrals import shares_and_hazards
from pyro_igr._numerics.normal import log_ndtr
from pyro_igr._numerics.normal_maximum import log_reversed_hazards
from pyro_igr.discrete._rules import Rule, nodes_of
from pyro_igr.discrete.argmax import integrand, log_probs_from

# With more Gaussians than that for each node, factors of low rank are smaller and
# faster than the matrix itself.
DENSE = 2


def residual_and_jacobian(
    loc: Tensor, target: Tensor, scale: Tensor, rule: Rule
) -> tuple[Tensor, Tensor | DiagonalPlusLowRank]:
    r"""Excess of the log odds :math:`\log p_j - \log p_K`, and their derivatives.

    Those of :math:`\log p_j` in :math:`\mu_k` are :math:`-p_j^{-1} \int F r_j r_k dt`
    off the diagonal; that of :math:`\log p_K = \log F(0)` is :math:`-r_k(0)`. The
    integrals make a matrix of no higher rank than there are nodes. The derivatives are
    those of the rule itself, whose root is found also where it is rough.
    """
    log_hazards_0 = log_reversed_hazards(torch.zeros_like(loc[..., 0]), loc, scale)
    if isinstance(rule, str):
        log_probs, *parts = _by_bulk(loc, scale, rule)
    else:
        log_probs, *parts = _by_panels(loc, scale, rule)
    assemble = _dense if _is_dense(parts[-1]) else _low_rank
    excess = log_probs - target
    return excess[..., :-1] - excess[..., -1:], assemble(log_hazards_0.exp(), *parts)


def _is_dense(hazards: Tensor) -> bool:
    return hazards.shape[-2] <= DENSE * hazards.shape[-1]


def _dense(hazards_0: Tensor, own: Tensor, shares: Tensor, hazards: Tensor) -> Tensor:
    off = -shares @ hazards.transpose(-1, -2)
    off = off - torch.diag_embed(off.diagonal(dim1=-2, dim2=-1))
    return off + torch.diag_embed(own) + hazards_0.unsqueeze(-2)


def _low_rank(
    hazards_0: Tensor, own: Tensor, shares: Tensor, hazards: Tensor
) -> DiagonalPlusLowRank:
    ones = torch.ones_like(own).unsqueeze(-1)
    return DiagonalPlusLowRank(
        own + (shares * hazards).sum(-1),
        torch.cat([-shares, ones], -1),
        torch.cat([hazards, hazards_0.unsqueeze(-1)], -1),
    )


def _by_panels(
    loc: Tensor, scale: Tensor, panels: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Log probabilities, derivatives in the own mean, and shares and hazards."""
    log_density, log_hazards, u = integrand(loc, scale, *panels)
    log_probs = log_probs_from(log_density, log_hazards, loc, scale)
    shares = (log_density.unsqueeze(-1) + log_hazards).softmax(0)
    own = (shares * u).sum(0) / scale
    shares, hazards = (x.movedim(0, -1) for x in (shares, log_hazards.exp()))
    return log_probs, own, shares, hazards


def _by_bulk(
    loc: Tensor, scale: Tensor, rule: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    shape = loc.shape
    loc, scale = (x.reshape(-1, shape[-1]).T.contiguous() for x in (loc, scale))
    log_last = log_ndtr(-loc / scale).sum(0, keepdim=True)
    shifted, t, log_weights = bulk_nodes(loc, scale, nodes_of(rule, loc, len(loc)))
    log_p, u, shares, hazards = shares_and_hazards(shifted, scale, t, log_weights)
    own = ((shares * u).sum(0) / scale).T.reshape(shape)
    log_probs = torch.cat([log_p, log_last]).log_softmax(0)
    log_probs = log_probs.T.reshape(*shape[:-1], shape[-1] + 1)
    shares, hazards = (
        x.permute(2, 1, 0).reshape(*shape, len(x)) for x in (shares, hazards)
    )
    return log_probs, own, shares, hazards
