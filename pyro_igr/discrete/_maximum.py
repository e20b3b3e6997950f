"""The largest of Gaussians, given whose it is, from uniform noise."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from pyro_igr._numerics.chunks import by_chunks
from pyro_igr._numerics.newton import bracketed_newton
from pyro_igr._numerics.normal import log_ndtr
from pyro_igr._numerics.normal_maximum import from_the_maximum
from pyro_igr._numerics.quantiles import quantile_edges
from pyro_igr._numerics.truncated_nodes import nodes_between
from pyro_igr.discrete._rules import COARSE

# Also for scales far apart: the nodes that these need would cost all others too much.
NUM_PANELS, NUM_NODES = COARSE
# The rounding of log odds from a sum over the nodes, in units of the dtype's own. Two
# more steps follow where the search has met it.
ROUNDING = 64


def maximum_given(
    log_odds: Tensor, chosen: Tensor, loc: Tensor, scale: Tensor
) -> Tensor:
    """The maximum M > 0, given whose it is, where the log odds of its CDF are these.

    Shape:
        ``log_odds`` and result: ``sample + batch + (1,)``; ``chosen``:
        ``sample + batch + (n,)``; ``loc``, ``scale``: ``batch + (n,)``.

    Args:
        log_odds: log odds of uniform noise.
        chosen: whose it is, one-hot.
        loc: means of the Gaussians.
        scale: their standard deviations.
    """
    width = loc.shape[-1] * NUM_PANELS * NUM_NODES
    return by_chunks(_maximum_given, width, log_odds, chosen, loc, scale)


def _maximum_given(
    log_odds: Tensor, chosen: Tensor, loc: Tensor, scale: Tensor
) -> Tensor:
    log_odds = log_odds.squeeze(-1)
    loc, floor = from_the_maximum(loc, scale)
    log_density = partial(_log_density, chosen, loc, scale)
    edges = _align(quantile_edges(loc, scale, floor, NUM_PANELS), log_odds)
    low, high, log_beside = _panel(log_density, edges, log_odds)

    def newton(t: Tensor) -> tuple[Tensor, Tensor]:
        starts, stops = torch.stack([low, t]), torch.stack([t, high])
        left, right = log_beside.logaddexp(_log_mass(log_density, starts, stops))
        error = left - right - log_odds
        density = log_density(t)
        slope = (density - left).exp() + (density - right).exp()
        return error, t - error / slope

    # Each step from the root doubles the number of derivatives that are right.
    middle = (low + high).detach() / 2
    rounding = ROUNDING * torch.finfo(low.dtype).eps * (1 + log_odds.abs())
    with torch.no_grad():
        root = bracketed_newton(newton, middle, low, high, rounding)
    return (newton(newton(root)[1])[1] - floor).unsqueeze(-1)


def _log_density(chosen: Tensor, loc: Tensor, scale: Tensor, t: Tensor) -> Tensor:
    """Log density that the chosen Gaussian is at t, and the others are below."""
    u = (t.unsqueeze(-1) - loc) / scale
    log_normal = -0.5 * (u**2 + math.log(2 * math.pi)) - scale.log()
    return torch.where(chosen > 0.5, log_normal, log_ndtr(u)).sum(-1)


def _panel(
    log_density: Callable, edges: Tensor, log_odds: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The panel in which the log odds of the CDF are these, and log masses beside it.

    The masses are those of all panels to its left, and of all to its right.
    """
    masses = _log_mass(log_density, edges[:-1], edges[1:])
    panel = _panel_of(log_odds, masses.detach())
    index = torch.arange(NUM_PANELS, device=edges.device)
    index = index.reshape(-1, *[1] * log_odds.dim())
    log_beside = _log_sum(masses, torch.stack([index < panel, index > panel]))
    edges = edges.expand(len(edges), *log_odds.shape)
    low, high = (edges.gather(0, panel + i)[0] for i in (0, 1))
    return low, high, log_beside


def _align(edges: Tensor, batch: Tensor) -> Tensor:
    missing = batch.dim() - edges.dim() + 1
    return edges.reshape(len(edges), *[1] * missing, *edges.shape[1:])


def _log_mass(log_density: Callable, low: Tensor, high: Tensor) -> Tensor:
    t, log_weights = nodes_between(low, high, NUM_NODES)
    return (log_weights + log_density(t)).logsumexp(0)


def _log_sum(log_masses: Tensor, kept: Tensor) -> Tensor:
    nothing = torch.finfo(log_masses.dtype).min / 4
    return torch.where(kept, log_masses, nothing).logsumexp(1)


def _panel_of(log_odds: Tensor, log_masses: Tensor) -> Tensor:
    """The number of the panel in which the log odds of the CDF are these."""
    left = log_masses.logcumsumexp(0)[:-1]
    right = log_masses.flip(0).logcumsumexp(0).flip(0)[1:]
    return (left - right < log_odds).sum(0, keepdim=True)
