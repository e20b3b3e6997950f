"""Nodes to integrate over the bulk of the maximum of Gaussians of similar scales."""

import math

import numpy as np
import torch
from torch import Tensor

from pyro_igr._numerics.truncated_nodes import gauss_legendre

# Below the bulk: so many nodes for categories that next to never are the largest.
NUM_BELOW = 4
# The least probability below the bulk, standard deviations in which one Gaussian
# reaches it, and twice the log of what lies above the bulk.
SINGLE, DOUBLE = (1e-10, 6.5, 34.0), (1e-16, 8.3, 70.0)
# Where the bulk begins is known to a part of this.
NUM_STEPS = 8
# Gauss-Legendre nodes crowd at the ends, these less: x = arcsin(a y) / arcsin(a).
SPREAD = 0.9


def bulk_nodes(
    loc: Tensor, scale: Tensor, num_nodes: int
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Means measured from where the bulk begins, nodes and log weights; t > 0.

    The bulk is between where the distribution function of the maximum is negligible
    (or 0) and where 1 is. Nodes and the point of reference carry no gradient.

    Shape:
        ``loc``, ``scale`` and the first result: ``batch + (n,)``; in NumPyro nodes and
        log weights are ``batch + (num_nodes,)``, in Pyro n and they are the first
        dimension.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations, of one order of magnitude.
        num_nodes: how many nodes, some below the bulk included.
    """
    mean, deviation = loc.detach(), scale.detach()
    least, reach, excess = DOUBLE if loc.dtype == torch.float64 else SINGLE
    log_n = math.log(len(loc))
    base = (mean - reach * deviation).amax(0).clamp(min=0)
    mean = mean - base
    top = (mean + math.sqrt(1 + 2 * log_n) * deviation).amax(0).clamp(min=0)
    start = top * _steps_below(math.log(least), top, mean, deviation) / NUM_STEPS
    mean = mean - start
    low = (-mean / deviation).clamp(min=0)
    c = excess + 2 * log_n
    width = deviation * (c / (low + (low**2 + c).sqrt()))
    width = (mean.clamp(min=0) + width).amax(0)
    below, inside, log_weights = (
        torch.tensor(x, dtype=loc.dtype, device=loc.device).reshape(
            -1, *[1] * width.dim()
        )
        for x in _unit_nodes(num_nodes)
    )
    length = base + start
    t = length * below + width * inside
    length = length.clamp(min=torch.finfo(length.dtype).tiny)
    log_lengths = torch.where(below < 0, length.log(), width.log())
    return loc - base - start, t, log_weights + log_lengths


def _steps_below(level: float, top: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """How many of the steps to the top have a distribution function below the level."""
    steps = torch.arange(1, NUM_STEPS, dtype=loc.dtype, device=loc.device) / NUM_STEPS
    t = top * steps.reshape(-1, *[1] * loc.dim())
    log_cdf = (0.5 * ((loc - t) / (scale * math.sqrt(2))).erfc()).log()
    return (log_cdf.sum(1) < level).sum(0)


def _unit_nodes(num_nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes below the bulk, in (-1, 0), and inside it, in (0, 1); 0 elsewhere."""
    num_inside = num_nodes - NUM_BELOW
    x, weights = gauss_legendre(num_inside)
    y = 2 * x - 1
    inside = (1 + np.arcsin(SPREAD * y) / np.arcsin(SPREAD)) / 2
    weights = weights * SPREAD / np.sqrt(1 - (SPREAD * y) ** 2) / np.arcsin(SPREAD)
    below, weights_below = gauss_legendre(NUM_BELOW)
    return (
        np.concatenate([below - 1, np.zeros(num_inside)]),
        np.concatenate([np.zeros(NUM_BELOW), inside]),
        np.log(np.concatenate([weights_below, weights])),
    )
