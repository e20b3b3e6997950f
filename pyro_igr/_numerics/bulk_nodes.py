"""Nodes to integrate over the bulk of the maximum of Gaussians of similar scales."""

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from pyro_igr._numerics.truncated_nodes import gauss_legendre

# Nodes below the bulk, for categories that are hardly ever the largest.
NUM_BELOW = 2
# In each precision: the probability below the bulk; the standard deviations below its
# mean at which one Gaussian has less; and -2 times the log of the probability above.
SINGLE, DOUBLE = (1e-9, 6.5, 30.0), (1e-16, 8.3, 70.0)
# Where the bulk begins is found to one of so many steps, by halving their number.
NUM_STEPS = 16
HALVES = (8, 4, 2, 1)
# Gauss-Legendre nodes y crowd at the ends; x = arcsin(a y) / arcsin(a) do so less.
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
    length = base + start
    unit = [loc.new_tensor(x).unsqueeze(-1) for x in _unit_nodes(num_nodes)]
    below, weights_below, inside, weights_inside = unit
    t = torch.cat([length * below, width * inside])
    length = length.clamp(min=torch.finfo(length.dtype).tiny)
    log_weights = [length.log() + weights_below, width.log() + weights_inside]
    return loc - base - start, t, torch.cat(log_weights)


def _steps_below(level: float, top: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """How many of the steps from 0 to the top have a CDF of less than the level."""
    lowest, step = -loc / scale, top / (NUM_STEPS * scale)
    count = torch.zeros_like(top)
    for half in HALVES:
        u = lowest + (count + half) * step
        count = count + half * (_about_log_ndtr(u).sum(0) < level)
    return count


def _about_log_ndtr(u: Tensor) -> Tensor:
    """Log Phi(u) to a tenth, nearly an upper bound: a parabola on either side of 0."""
    left, right = u.clamp(max=0), (1 - 0.5 * u).clamp(min=0, max=1)
    return left * (0.75 - 0.375 * left) - math.log(2) * right**2


@cache
def _unit_nodes(num_nodes: int) -> tuple[np.ndarray, ...]:
    """Nodes in (-1, 0) and logs of weights below the bulk, and in (0, 1) inside it."""
    x, weights = gauss_legendre(num_nodes - NUM_BELOW)
    y = 2 * x - 1
    inside = (1 + np.arcsin(SPREAD * y) / np.arcsin(SPREAD)) / 2
    weights = weights * SPREAD / np.sqrt(1 - (SPREAD * y) ** 2) / np.arcsin(SPREAD)
    below, weights_below = gauss_legendre(NUM_BELOW)
    return below - 1, np.log(weights_below), inside, np.log(weights)
