"""Gaussian sticks whose weights have the moments of others, in another order."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from pyro_igr._numerics.logistic_normal import (
    loc_of_mean,
    mean_logit,
    scale_of_spread,
    spread,
)

FACTOR = 3.0  # a free choice: how far scales may leave the range of the present ones


def reordered_sticks(
    loc: Tensor, scale: Tensor, order: Tensor
) -> tuple[Tensor, Tensor]:
    r"""The Gaussians of sticks with the moments of weights in another order.

    With c the squared coefficients of variation of :math:`v_j`, and d those of
    :math:`1 - v_j`, a weight of independent sticks has

    .. math::
        \frac{E z_j^2}{(E z_j)^2} = (1 + c_j) \prod_{i < j} (1 + d_i)

    which gives c stick by stick, once the means give d / c.

    Args:
        loc: means of the logits of sticks, in double precision.
        scale: their standard deviations.
        order: the stick that each new one takes the weight of.
    """
    logit, of_sticks = mean_logit(loc, scale), spread(loc, scale)
    parts = torch.bincount(order, minlength=loc.shape[-1])[order]
    new_logit = _reordered_logits(logit, order, parts.to(logit).log())
    low = (scale.amin(-1, keepdim=True) / FACTOR).expand(new_logit.shape)
    high = FACTOR * scale.amax(-1, keepdim=True).expand(new_logit.shape)
    limits = [spread(loc_of_mean(new_logit, s), s) for s in (low, high)]
    c, d = of_sticks * (-logit).exp(), of_sticks * logit.exp()
    before = d.log1p().cumsum(-1) - d.log1p()
    wanted = _spreads(new_logit, (c.log1p() + before)[..., order], *limits)
    new_scale = scale_of_spread(new_logit, wanted, low, high)
    return loc_of_mean(new_logit, new_scale), new_scale


def _reordered_logits(logit: Tensor, order: Tensor, log_parts: Tensor) -> Tensor:
    """Logits of the means of sticks that break the expected weights in this order."""
    log_left = logsigmoid(-logit).cumsum(-1)
    log_weights = log_left + logit
    kept = log_weights[..., order] - log_parts
    gone = torch.ones_like(logit, dtype=torch.bool).index_fill(-1, order, value=False)
    lost = torch.where(gone, log_weights, -torch.inf)
    rest = torch.cat([lost, log_left[..., -1:]], -1).logsumexp(-1, keepdim=True)
    after = torch.cat([kept, rest], -1).flip(-1).logcumsumexp(-1).flip(-1)
    return kept - after[..., 1:]


def _spreads(logit: Tensor, log_squares: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Spreads of sticks at which the weights have these second moments, if any are."""
    found, before = [], torch.zeros_like(logit[..., 0])
    for j in range(logit.shape[-1]):
        c = (log_squares[..., j] - before).expm1()
        of_stick = (c * logit[..., j].exp()).clamp(low[..., j], high[..., j])
        found.append(of_stick)
        before = before + (of_stick * logit[..., j].exp()).log1p()
    return torch.stack(found, -1)
