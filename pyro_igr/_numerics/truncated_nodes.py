"""Nodes to integrate between bounds, and over the part of a Gaussian below one."""

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

# Beyond it a Gaussian has 1e-9 of its mass, and e^-18 of its largest density.
REACH = 6.0


def nodes_below(
    loc: Tensor, scale: Tensor, upper: Tensor, lower: Tensor, num_nodes: int
) -> tuple[Tensor, Tensor]:
    r"""Gauss-Legendre nodes y in the part of a Gaussian between two bounds.

    The interval ends where the density has fallen by :math:`e^{-18}` from its largest
    value below ``upper``, however far in the tail that bound is, and the nodes are
    denser there. The nodes carry no gradient; the weights are differentiable in
    ``loc`` and ``scale``.

    Shape:
        ``loc``, ``scale``, ``upper``, ``lower``: ``batch``; nodes and the logs of
        weight times density: ``batch + (num_nodes,)``. An empty interval weighs next to
        nothing.
    """
    mean, deviation = loc.detach(), scale.detach()
    top = torch.minimum(upper.detach(), mean + REACH * deviation)
    u = (top - mean) / deviation
    tail = REACH**2 / ((u**2 + REACH**2).sqrt() - u.clamp(max=0))
    length = deviation * torch.where(u < 0, tail, u + REACH)
    length = torch.minimum(length, (top - lower.detach()).clamp(min=0)).unsqueeze(-1)
    x, weights = gauss_legendre(num_nodes)
    y = top.unsqueeze(-1) - length * loc.new_tensor(x**2)
    length = length.clamp(min=torch.finfo(length.dtype).tiny)
    log_dy = length.log() + loc.new_tensor(np.log(2 * x * weights))
    loc, scale = loc.unsqueeze(-1), scale.unsqueeze(-1)
    log_density = -0.5 * ((y - loc) / scale) ** 2 - scale.log()
    return y, log_density + log_dy - 0.5 * math.log(2 * math.pi)


def nodes_between(low: Tensor, high: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Gauss-Legendre nodes and log weights between two bounds.

    An empty interval weighs next to nothing, and has finite derivatives.

    Shape:
        ``low``, ``high``: ``batch``; results ``(num_nodes,) + batch``.
    """
    length = high - low
    x, weights = gauss_legendre(num_nodes)
    shape = (-1, *[1] * length.dim())
    t = low + length * length.new_tensor(x).reshape(shape)
    log_length = length.clamp(min=torch.finfo(length.dtype).tiny).log()
    return t, log_length + length.new_tensor(np.log(weights)).reshape(shape)


@cache
def gauss_legendre(num_nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in (0, 1) and weights that sum to 1."""
    x, weights = np.polynomial.legendre.leggauss(num_nodes)
    return (x + 1) / 2, weights / 2
