"""Integrands over the maximum of Gaussians at the nodes of its bulk, and below it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pyro_igr._numerics.normal import LOG_SQRT_2_PI
from pyro_igr._numerics.quick_normal import LOG_SMALLEST, quick_log_ndtr_and_hazard

# The least weight of a node, so that shares do not overflow.
LEAST_MASS = 1e-34
SQRT_HALF, HALF_IN_BASE_2 = math.sqrt(0.5), 0.5 / math.log(2)
# Arrays that results are written to, so that no memory is allocated and cleared anew;
# None where derivatives are taken, which need each result to be kept.
Buffers = Sequence[Tensor | None]
NO_BUFFERS: Buffers = (None, None, None, None)


class Terms(NamedTuple):
    """Standardised nodes, hazards h at them, and weighted F h, in units of their own.

    The logarithms of these units, for each Gaussian, are the last two.
    """

    u: Tensor
    hazards: Tensor
    terms: Tensor
    log_hazard: Tensor
    log_term: Tensor


def terms_below(
    loc: Tensor,
    scale: Tensor,
    t: Tensor,
    log_weights: Tensor,
    buffers: Buffers = NO_BUFFERS,
) -> Terms:
    """In logarithms: for nodes far below a Gaussian, or very many Gaussians.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes.
        log_weights: logs of their weights.
        buffers: not needed here, where every result is a new array.
    """
    u = (t.unsqueeze(1) - loc) / scale
    log_cdf, log_hazard = quick_log_ndtr_and_hazard(u)
    log_terms = (log_weights + log_cdf.sum(1)).unsqueeze(1) + log_hazard
    top = log_terms.detach().amax(0)
    terms = (log_terms - top).clamp(min=LOG_SMALLEST).exp()
    hazards = log_hazard.clamp(min=LOG_SMALLEST).exp()
    return Terms(u, hazards, terms, torch.zeros_like(top), top)


def terms_inside(
    loc: Tensor,
    scale: Tensor,
    t: Tensor,
    log_weights: Tensor,
    buffers: Buffers = NO_BUFFERS,
) -> Terms:
    """Without logarithms, for nodes that are not far below any Gaussian.

    Densities are relative to that at the first node that is above the mean, and
    exponentials to base 2, which are the quickest.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes, the least first.
        log_weights: logs of their weights.
        buffers: four arrays of at least their size to write to, or None.
    """
    a, b, c, d = in_shape(buffers, (len(t), *loc.shape))
    u = torch.sub(t.unsqueeze(1), loc, out=a)
    u = torch.div(u, scale, out=a)
    cdf = torch.mul(u, -SQRT_HALF, out=b)
    cdf = torch.mul(torch.erfc(cdf, out=b), 0.5, out=b)
    first = u[0].detach().clamp(min=0)
    below, above = torch.sub(first, u, out=c), torch.add(first, u, out=d)
    exponent = torch.mul(torch.mul(below, above, out=c), HALF_IN_BASE_2, out=c)
    density = torch.exp2(torch.clamp(exponent, min=LOG_SMALLEST, out=c), out=c)
    hazards = torch.div(density, cdf, out=c)
    heaviest = log_weights.amax(0)
    product = _product(cdf) if b is None else cdf.prod(1)
    mass = (log_weights - heaviest).exp() * product
    mass = mass.clamp(min=LEAST_MASS).unsqueeze(1)
    unit = -0.5 * first**2 - LOG_SQRT_2_PI
    return Terms(u, hazards, torch.mul(mass, hazards, out=b), unit, unit + heaviest)


def in_shape(buffers: Buffers, shape: Sequence[int]) -> Buffers:
    """The same arrays in the shape of what is written to them.

    Args:
        buffers: arrays of at least that size, or None.
        shape: what they shall have.
    """
    size = math.prod(shape)
    return [x if x is None else x[:size].view(shape) for x in buffers]


def _product(x: Tensor) -> Tensor:
    """Of the second dimension, by halves: with derivatives where factors vanish."""
    while x.shape[1] > 1:
        half = x.shape[1] // 2
        pairs = x[:, :half] * x[:, half : 2 * half]
        x = torch.cat([pairs, x[:, 2 * half :]], 1) if x.shape[1] % 2 else pairs
    return x[:, 0]
