r"""Chances that the weights of broken sticks stay below a threshold.

With sticks :math:`u_k = \sigma(y_k)`, a threshold x is tabulated by
:math:`b = -\log x`, at points that are denser near b = 0.
"""

import math
from functools import reduce
from operator import add

import torch
from torch import Tensor
from torch.nn.functional import softplus
from torch.special import ndtr

from pyro_igr._numerics.truncated_nodes import REACH, nodes_below


def thresholds(
    loc: Tensor, scale: Tensor, num_points: int, *, remainder: bool
) -> Tensor:
    r"""Points b up to the smallest threshold that the largest weight can be.

    The largest of K weights is at least 1 / K. Without the remainder, all weights are
    below x only if :math:`x > 1 / (n + e^{-y_k})` for every k.

    Shape:
        ``loc``, ``scale``: ``(n,) + batch``; result ``batch + (num_points,)``.
    """
    n = len(loc)
    lowest = (loc - (REACH + 1) * scale).detach().amax(0)
    last = torch.logaddexp(-lowest, torch.full_like(lowest, math.log(n)))
    last = torch.full_like(last, math.log(n + 1)) if remainder else last
    steps = torch.linspace(0, 1, num_points, dtype=last.dtype, device=last.device)
    return last.unsqueeze(-1) * steps**2


def interpolate(table: Tensor, points: Tensor, b: Tensor) -> Tensor:
    """Values at b of a function that is tabulated at points, by a cubic.

    Shape:
        ``table``, ``points``: ``batch + (num_points,)``; ``b`` and result:
        ``batch + (m,)``. No gradient flows to ``b``.
    """
    steps = points.shape[-1] - 1
    at = steps * (b.detach() / points[..., -1:]).clamp(0, 1).sqrt()
    first = at.floor().clamp(1, steps - 2)
    f = at - first
    first = first.nan_to_num(1).long() - 1  # NaN stays in f
    weights = (
        f * (f - 1) * (2 - f) / 6,
        (f + 1) * (f - 1) * (f - 2) / 2,
        (f + 1) * f * (2 - f) / 2,
        (f + 1) * f * (f - 1) / 6,
    )
    return reduce(add, (w * table.gather(-1, first + i) for i, w in enumerate(weights)))


def log_chances_before(
    loc: Tensor, scale: Tensor, points: Tensor, num_nodes: int
) -> Tensor:
    r"""Log of :math:`F_k(x)`, that the first k weights are below x times the rest.

    .. math::
        F_k(b) = \int_{y < -b} N(y; \mu_k, \sigma_k^2) F_{k-1}(b + \log(1 + e^y)) dy

    Shape:
        ``loc``, ``scale``: ``(n,) + batch``; ``points``: ``batch + (num_points,)``;
        result, from :math:`F_0 = 1` on: ``(n + 1,) + batch + (num_points,)``.
    """
    b, endless = points, torch.full_like(points, -torch.inf)
    tables = [torch.zeros_like(b)]
    for stick in zip(loc.unsqueeze(-1), scale.unsqueeze(-1), strict=True):
        y, log_weights = nodes_below(*stick, -b, endless, num_nodes)
        earlier = _interpolate_rows(tables[-1], points, b.unsqueeze(-1) + softplus(y))
        tables.append((log_weights + earlier).logsumexp(-1))
    return torch.stack(tables)


def chances_after(
    loc: Tensor, scale: Tensor, points: Tensor, num_nodes: int, *, remainder: bool
) -> Tensor:
    r""":math:`G_k(x)`, that weights k to K are below x times the stick before them.

    .. math::
        G_k(b) = [\Phi_k(t) - \Phi_k(-t)]_+
        + \int_{y < -|t|} N(y; \mu_k, \sigma_k^2) G_{k+1}(b - \log(1 + e^y)) dy,
        \qquad t = -\log(e^b - 1)

    Without the remainder, weight K is left out. The integral begins where
    :math:`G_{k+1}` ends: m weights are all below x only if x > 1 / m.

    Shape:
        ``loc``, ``scale``: ``(n,) + batch``; ``points``: ``batch + (num_points,)``;
        result, :math:`G_2` to :math:`G_K = 1`: ``(n,) + batch + (num_points,)``.
    """
    n, b, ones = len(loc), points[..., 1:], torch.ones_like(points)
    t = -_log_expm1(b)

    def cdf(t: Tensor, stick: tuple[Tensor, Tensor]) -> Tensor:
        return ndtr((t - stick[0]) / stick[1])

    def add_stick(g: Tensor, stick: tuple[Tensor, Tensor], end: float) -> Tensor:
        lower = _log_expm1((b - end).clamp(min=0))
        y, log_weights = nodes_below(*stick, -t.abs(), lower, num_nodes)
        later = _interpolate_rows(g, points, b.unsqueeze(-1) - softplus(y))
        later = (log_weights.exp() * later.clamp(0, 1)).sum(-1)
        inner = (cdf(t, stick) - cdf(-t, stick)).clamp(min=0)
        return torch.cat([ones[..., :1], inner + later], -1)

    if n == 1:
        return ones.unsqueeze(0)
    *sticks, stick = zip(loc.unsqueeze(-1), scale.unsqueeze(-1), strict=True)
    # Negative beyond its end, so that the interpolation finds that end.
    last = cdf(t, stick) - cdf(-t, stick) if remainder else cdf(t, stick)
    tables = [ones, torch.cat([ones[..., :1], last], -1)]
    for m, stick in enumerate(reversed(sticks[1:]), start=2):
        end = math.log(m) if remainder else math.inf
        tables.append(add_stick(tables[-1], stick, end))
    return torch.stack(tables[::-1])


def _interpolate_rows(table: Tensor, points: Tensor, b: Tensor) -> Tensor:
    return interpolate(table, points, b.flatten(-2)).reshape(b.shape)


def _log_expm1(x: Tensor) -> Tensor:
    return x + (-(-x).expm1()).log()
