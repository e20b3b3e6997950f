"""The maximum of independent Gaussians: its law, and nodes to integrate over it."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.special import log_ndtr

NUM_BISECTIONS = 20


def log_cdf_and_survival(
    t: Tensor, loc: Tensor, scale: Tensor, log_tail: Callable = log_ndtr
) -> tuple[Tensor, Tensor]:
    r"""Logs of :math:`F(t) = \prod_j \Phi((t - \mu_j) / \sigma_j)` and 1 - F(t).

    The second is free of cancellation, however small it is:

    .. math:: 1 - \prod_j \Phi_j = \sum_j (1 - \Phi_j) \prod_{i<j} \Phi_i

    Shape: ``t`` and both results: ``batch``; ``loc``, ``scale``: ``batch + (n,)``.
    """
    u = (t.unsqueeze(-1) - loc) / scale
    log_phi, log_rest = _log_cdf_and_survival_of_normal(u, log_tail)
    before = log_phi.cumsum(-1) - log_phi
    return log_phi.sum(-1), (log_rest + before).logsumexp(-1)


def _log_cdf_and_survival_of_normal(
    u: Tensor, log_tail: Callable
) -> tuple[Tensor, Tensor]:
    """Both from one special function, that of the smaller of the two."""
    right = u > 0
    smaller = log_tail(torch.where(right, -u, u))
    larger = (-smaller.exp()).log1p()
    return torch.where(right, larger, smaller), torch.where(right, smaller, larger)


def _rough_log_ndtr(u: Tensor) -> Tensor:
    r"""Log of :math:`\Phi(u)`, to 6 percent and for u < 0, by elementary functions.

    Many times as fast as the special function. Source: a bound of Komatsu (1955).
    """
    root = (u**2 + 8 / math.pi).sqrt()
    return -0.5 * u**2 - (root - u).log() + 0.5 * math.log(2 / math.pi)


def log_reversed_hazards(t: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    r"""Log of :math:`r_j(t) = \phi(u_j) / (\sigma_j \Phi(u_j))`.

    Shape: ``t``: ``batch``; ``loc``, ``scale`` and result: ``batch + (n,)``.
    """
    u = (t.unsqueeze(-1) - loc) / scale
    return -0.5 * (u**2 + math.log(2 * math.pi)) - scale.log() - log_ndtr(u)


@torch.no_grad()
def quantile_panels(
    loc: Tensor, scale: Tensor, num_panels: int, num_nodes: int
) -> tuple[Tensor, Tensor]:
    r"""Gauss-Legendre nodes between quantiles of the maximum, given it is positive.

    Fixed nodes miss a maximum that lies far from 0, or one with steps of very
    unequal widths; its own quantiles do not. Neither output carries a gradient.

    Shape: ``loc``, ``scale``: ``batch + (n,)``; nodes :math:`t > 0` and log weights:
    ``(num_panels * num_nodes,) + batch``.
    """
    edges = quantile_edges(loc, scale, num_panels)
    t, log_weights = nodes_between(edges[:-1], edges[1:], num_nodes)
    return t.transpose(0, 1).flatten(0, 1), log_weights.transpose(0, 1).flatten(0, 1)


@torch.no_grad()
def quantile_edges(loc: Tensor, scale: Tensor, num_panels: int) -> Tensor:
    """0 and quantiles of the maximum, given it is positive; without a gradient.

    Shape: ``loc``, ``scale``: ``batch + (n,)``; result ``(num_panels + 1,) + batch``.
    """
    z = np.linspace(-1, 1, num_panels + 1)[1:]
    levels = loc.new_tensor(6 * z + 30 * z**5).reshape(-1, *[1] * (loc.dim() - 1))
    edges = _quantiles(levels, loc, scale)
    return torch.cat([torch.zeros_like(edges[:1]), edges])


def nodes_between(low: Tensor, high: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Gauss-Legendre nodes and log weights between two bounds.

    Shape: ``low``, ``high``: ``batch``; results ``(num_nodes,) + batch``.
    """
    half = (high - low) / 2
    nodes, weights = np.polynomial.legendre.leggauss(num_nodes)
    shape = (-1, *[1] * half.dim())
    t = low + half * half.new_tensor(nodes + 1).reshape(shape)
    return t, half.log() + half.new_tensor(np.log(weights)).reshape(shape)


def _quantiles(levels: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """Where the logit of the CDF, given a positive maximum, crosses each level.

    Of G = (F - F(0)) / (1 - F(0)), the logit is log (F - F(0)) - log (1 - F). Roughly:
    what is integrated between them is exact wherever they lie.
    """
    zero = torch.zeros_like(loc[..., 0])
    log_cdf_0, log_survival_0 = log_cdf_and_survival(zero, loc, scale, _rough_log_ndtr)
    low = zero.expand(torch.broadcast_shapes(levels.shape, zero.shape))
    high = _far_in_the_tail(loc, scale).expand_as(low)
    for _ in range(NUM_BISECTIONS):
        middle = (low + high) / 2
        log_f, log_s = log_cdf_and_survival(middle, loc, scale, _rough_log_ndtr)
        log_mass = torch.where(
            log_f < log_s,
            log_f + _log1mexp(log_cdf_0 - log_f),
            log_survival_0 + _log1mexp(log_s - log_survival_0),
        )
        below = log_mass - log_s < levels
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def _far_in_the_tail(loc: Tensor, scale: Tensor) -> Tensor:
    """A point beyond which less than e^-40 of the positive mass lies."""
    u = (-loc / scale).clamp(min=0)
    return (loc + scale * (u**2 + 80 + 2 * math.log(loc.shape[-1])).sqrt()).amax(-1)


def _log1mexp(x: Tensor) -> Tensor:
    return (-x.clamp(max=0).expm1()).log()
