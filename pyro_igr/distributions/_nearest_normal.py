"""The Gaussian nearest to the logit of a stick of the Dirichlet process."""

import math

import torch
from torch import Tensor

from pyro_igr._numerics.softplus_mean import WIDE

# Enough for 1e-9 from the start below, at every concentration from .01 to 1000.
NEWTON_STEPS = 4
LOGISTIC_AS_NORMAL = 8 / math.pi  # the variance of a Gaussian of the same slope at 0


def nearest_normal(concentration: Tensor) -> tuple[Tensor, Tensor]:
    r"""The mean and standard deviation that minimise KL(N || logit of Beta(1, alpha)).

    .. math::
        E \sigma(y) = \frac{1}{1 + \alpha}, \qquad
        s^2 \, E \sigma'(y) = \frac{1}{1 + \alpha}, \qquad y \sim N(m, s^2)

    Newton steps from where these hold for a probit, up to :math:`\alpha = 1`, or from a
    fit of both limits, beyond. The KL is convex in m and s, and s is above 1.

    Shape:
        ``concentration`` and both results: ``batch``.

    Args:
        concentration: :math:`\alpha > 0`.

    Accuracy:
        Both equations to 1e-9, relatively, in float64, and results to 2e-4 in float32,
        for concentrations from .01 to 1000.
    Source:
        Not in the paper.
    """
    loc, scale = _start(concentration)
    for _ in range(NEWTON_STEPS):
        loc, scale = _newton_step(loc, scale, 1 + concentration)
    return loc, scale


def _start(alpha: Tensor) -> tuple[Tensor, Tensor]:
    z = -torch.special.ndtri(alpha / (1 + alpha))
    width = (z.square() / 2).exp() * math.sqrt(2 * math.pi) / (1 + alpha)
    long = (width + (width.square() + 4 * LOGISTIC_AS_NORMAL).sqrt()) * width / 2
    loc = torch.where(
        alpha < 1,
        z * (long + LOGISTIC_AS_NORMAL).sqrt(),
        0.87 / alpha - alpha.log1p() - 0.5 * alpha / (1 + alpha),
    )
    return loc, torch.where(alpha < 1, long.sqrt(), 1 + 0.75 / alpha)


def _newton_step(loc: Tensor, scale: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    r"""One step for :math:`-\log s - m + c E \text{softplus}(y)`, by trapezoids.

    The softplus is the mean of max(0, y + x) over standard logistic x, of which the
    derivatives are Gaussian.
    """
    x = loc.new_tensor(WIDE)
    weights = x.sigmoid() * (-x).sigmoid()
    weights = weights / weights.sum()
    u = (loc.unsqueeze(-1) + x) / scale.unsqueeze(-1)
    density = weights * (-0.5 * u.square()).exp() / math.sqrt(2 * math.pi)
    mean = (weights * torch.special.ndtr(u)).sum(-1)
    curvature = [count / scale * (density * u**k).sum(-1) for k in range(3)]
    d_loc = count * mean - 1
    d_scale = count * density.sum(-1) - 1 / scale
    a, b, d = curvature[0], -curvature[1], curvature[2] + 1 / scale.square()
    determinant = a * d - b.square()
    step = (d * d_loc - b * d_scale) / determinant
    return loc - step, scale - (a * d_scale - b * d_loc) / determinant
