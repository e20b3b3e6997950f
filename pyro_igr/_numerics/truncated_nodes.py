"""Nodes to integrate over the part of a Gaussian below a bound."""

import math

import numpy as np
import torch
from torch import Tensor

REACH = 6.0


def nodes_below(
    loc: Tensor, scale: Tensor, upper: Tensor, lower: Tensor, num_nodes: int
) -> tuple[Tensor, Tensor]:
    r"""Gauss-Legendre nodes y in the part of a Gaussian between two bounds.

    The interval ends where the density has fallen by :math:`e^{-18}` from its largest
    value below ``upper``, however far in the tail that bound is, and the nodes are
    denser there. The nodes carry no gradient; the weights are differentiable in
    ``loc`` and ``scale``.

    Shape: ``loc``, ``scale``, ``upper``, ``lower``: ``batch``; nodes and the logs of
    weight times density: ``batch + (num_nodes,)``. An empty interval weighs
    next to nothing.
    """
    mean, deviation = loc.detach(), scale.detach()
    top = torch.minimum(upper.detach(), mean + REACH * deviation)
    u = (top - mean) / deviation
    tail = REACH**2 / ((u**2 + REACH**2).sqrt() - u.clamp(max=0))
    length = deviation * torch.where(u < 0, tail, u + REACH)
    length = torch.minimum(length, (top - lower.detach()).clamp(min=0)).unsqueeze(-1)
    x, weights = np.polynomial.legendre.leggauss(num_nodes)
    x = (x + 1) / 2
    y = top.unsqueeze(-1) - length * loc.new_tensor(x**2)
    length = length.clamp(min=torch.finfo(length.dtype).tiny)
    log_dy = length.log() + loc.new_tensor(np.log(x * weights))
    loc, scale = loc.unsqueeze(-1), scale.unsqueeze(-1)
    log_density = -0.5 * ((y - loc) / scale) ** 2 - scale.log()
    return y, log_density + log_dy - 0.5 * math.log(2 * math.pi)
