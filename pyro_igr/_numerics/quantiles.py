"""Nodes to integrate over the maximum of independent Gaussians."""

import math

import numpy as np
import torch
from torch import Tensor

from pyro_igr._numerics.normal_maximum import from_the_maximum, log_cdf_and_survival
from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr._numerics.truncated_nodes import nodes_between

# Enough for a millionth of the range: panels need not lie at quantiles exactly.
NUM_BISECTIONS = 20


def panel_nodes(
    loc: Tensor, scale: Tensor, panels: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Means from a point below the maximum, nodes between its quantiles, log weights.

    Nodes and the point of reference carry no gradient.

    Shape:
        ``loc``, ``scale`` and the first result: ``batch + (n,)``; the others:
        ``nodes + batch``.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        panels: how many there are, and nodes in each.
    """
    num_panels, num_nodes = panels
    loc, floor = from_the_maximum(loc, scale)
    edges = quantile_edges(loc, scale, floor, num_panels)
    nodes = nodes_between(edges[:-1], edges[1:], num_nodes)
    t, log_weights = (x.transpose(0, 1).flatten(0, 1) for x in nodes)
    return loc, t, log_weights


def quantile_edges(
    loc: Tensor, scale: Tensor, floor: Tensor, num_panels: int
) -> Tensor:
    """The floor and quantiles of the maximum, given it is above; without a gradient.

    Fixed nodes miss a maximum that lies far from 0, or one with steps of very
    unequal widths; its own quantiles do not.

    Shape:
        ``loc``, ``scale``: ``batch + (n,)``, ``floor``: ``batch``, as
        :func:`from_the_maximum` gives them; result ``(num_panels + 1,) + batch``.
    """
    loc, scale = loc.detach(), scale.detach()
    z = np.linspace(-1, 1, num_panels + 1)[1:]
    levels = loc.new_tensor(6 * z + 30 * z**5).reshape(-1, *[1] * (loc.dim() - 1))
    edges = _quantiles(levels, loc, scale, floor)
    return torch.cat([floor.expand_as(edges[:1]), edges])


def _quantiles(levels: Tensor, loc: Tensor, scale: Tensor, floor: Tensor) -> Tensor:
    """Where the logit of the CDF, given a maximum above the floor, crosses each level.

    Of G = (F - F(floor)) / (1 - F(floor)), the logit is
    log (F - F(floor)) - log (1 - F). Roughly: what is integrated between them is
    exact wherever they lie. Bisection in the square root resolves those near 0.
    """
    log_cdf_0, log_survival_0 = log_cdf_and_survival(floor, loc, scale, _rough_log_ndtr)
    far = _far_in_the_tail(loc, scale, floor)
    low = floor.new_zeros(()).expand(broadcast_shapes(levels.shape, far.shape))
    high = torch.ones_like(low)
    for _ in range(NUM_BISECTIONS):
        middle = (low + high) / 2
        t = far * middle**2
        log_f, log_s = log_cdf_and_survival(t, loc, scale, _rough_log_ndtr)
        log_mass = torch.where(
            log_f < log_s,
            log_f + _log1mexp(log_cdf_0 - log_f),
            log_survival_0 + _log1mexp(log_s - log_survival_0),
        )
        below = log_mass - log_s < levels
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return far * ((low + high) / 2) ** 2


def _far_in_the_tail(loc: Tensor, scale: Tensor, floor: Tensor) -> Tensor:
    r"""A point beyond which less than e^-40 of the mass above the floor lies.

    The largest of :math:`\mu + \sigma \sqrt{u^2 + c}`, u the floor in units of
    :math:`\sigma` where that is positive.
    """
    u = ((floor.unsqueeze(-1) - loc) / scale).clamp(min=0)
    c = 80 + 2 * math.log(loc.shape[-1])
    base = torch.maximum(loc, floor.unsqueeze(-1))
    return (base + scale * (c / (u + (u**2 + c).sqrt()))).amax(-1)


def _rough_log_ndtr(u: Tensor) -> Tensor:
    r"""Log of :math:`\Phi(u)`, to 6 percent and for u < 0, by elementary functions.

    Many times as fast as the special function. Source: a bound of Komatsu (1955).
    """
    root = (u**2 + 8 / math.pi).sqrt()
    return -0.5 * u**2 - (root - u).log() + 0.5 * math.log(2 / math.pi)


def _log1mexp(x: Tensor) -> Tensor:
    return (-x.clamp(max=0).expm1()).log()
