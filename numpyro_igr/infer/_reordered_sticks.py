"""Gaussian sticks whose weights have the moments of others, in another order."""

import numpy as np
from numpy.typing import NDArray

from numpyro_igr._numerics.logistic_normal import (
    loc_of_mean,
    mean_logit,
    scale_of_spread,
    spread,
)

FACTOR = 3.0  # a free choice: how far scales may leave the range of the present ones


def reordered_sticks(
    loc: NDArray, scale: NDArray, order: NDArray
) -> tuple[NDArray, NDArray]:
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
    parts = np.bincount(order, minlength=loc.shape[-1])[order]
    new_logit = _reordered_logits(logit, order, np.log(parts))
    low = np.broadcast_to(scale.min(-1, keepdims=True) / FACTOR, new_logit.shape)
    high = np.broadcast_to(FACTOR * scale.max(-1, keepdims=True), new_logit.shape)
    limits = [spread(loc_of_mean(new_logit, s), s) for s in (low, high)]
    c, d = of_sticks * np.exp(-logit), of_sticks * np.exp(logit)
    before = np.log1p(d).cumsum(-1) - np.log1p(d)
    wanted = _spreads(new_logit, (np.log1p(c) + before)[..., order], *limits)
    new_scale = scale_of_spread(new_logit, wanted, low, high)
    return loc_of_mean(new_logit, new_scale), new_scale


def _reordered_logits(logit: NDArray, order: NDArray, log_parts: NDArray) -> NDArray:
    """Logits of the means of sticks that break the expected weights in this order."""
    log_left = -np.logaddexp(0, logit).cumsum(-1)
    log_weights = log_left + logit
    kept = log_weights[..., order] - log_parts
    gone = ~np.isin(np.arange(logit.shape[-1]), order)
    lost = np.where(gone, log_weights, -np.inf)
    rest = np.concatenate([lost, log_left[..., -1:]], -1)
    rest = np.logaddexp.reduce(rest, -1, keepdims=True)
    terms = np.flip(np.concatenate([kept, rest], -1), -1)
    after = np.flip(np.logaddexp.accumulate(terms, -1), -1)
    return kept - after[..., 1:]


def _spreads(
    logit: NDArray, log_squares: NDArray, low: NDArray, high: NDArray
) -> NDArray:
    """Spreads of sticks at which the weights have these second moments, if any are."""
    found, before = [], np.zeros_like(logit[..., 0])
    for j in range(logit.shape[-1]):
        c = np.expm1(log_squares[..., j] - before)
        of_stick = np.clip(c * np.exp(logit[..., j]), low[..., j], high[..., j])
        found.append(of_stick)
        before = before + np.log1p(of_stick * np.exp(logit[..., j]))
    return np.stack(found, -1)
