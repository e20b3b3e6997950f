"""The noise behind a category, given the category: y | H, from uniform noise."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from pyro_igr._numerics.newton import bracketed_newton
from pyro_igr._numerics.normal import log_ndtr
from pyro_igr._numerics.normal_maximum import from_the_maximum
from pyro_igr._numerics.probit import probit_of_log_odds
from pyro_igr._numerics.quantiles import quantile_edges
from pyro_igr._numerics.truncated_nodes import nodes_between

# The rule of ``argmax_probs``.
NUM_PANELS, NUM_NODES = 16, 8
# Of log odds, that a sum over the nodes leaves; the last steps are taken beyond.
ROUNDING = 64


def gaussians_given_argmax(
    log_odds: Tensor, one_hot: Tensor, loc: Tensor, scale: Tensor
) -> Tensor:
    r"""Gaussians y given which of :math:`[y, 0]` is the largest.

    Given category k < K, the largest, M, has density :math:`F r_k / p_k` on t > 0,
    with F and :math:`r_k` as in :func:`argmax_probs`; the others are Gaussians
    truncated above at M. Given category K all are truncated above at 0. M inverts its
    distribution function, a quadrature, by Newton steps. Derivatives in ``loc`` and
    ``scale`` are implicit (first and second ones).

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; ``log_odds`` and result:
        ``sample + batch + (K-1,)``; ``one_hot``: ``sample + batch + (K,)``.

    Args:
        log_odds: log odds of independent uniform noise.
        one_hot: the category.
        loc: means of the Gaussians.
        scale: their standard deviations, positive.

    Source:
        Not in the paper, which defers to RELAX (Grathwohl et al., 2018).
    """
    loc, scale = torch.broadcast_tensors(loc, scale)
    chosen, is_last = one_hot[..., :-1], one_hot[..., -1] > 0.5
    first = torch.zeros_like(chosen)
    first[..., 0] = 1
    some = torch.where(is_last.unsqueeze(-1), first, chosen)
    maximum = _maximum_given((some * log_odds).sum(-1), some, loc, scale)
    maximum = torch.where(is_last, torch.zeros_like(maximum), maximum).unsqueeze(-1)
    below = _log_odds_below(log_odds, (maximum - loc) / scale)
    return torch.where(chosen > 0.5, maximum, loc + scale * probit_of_log_odds(below))


def gaussians_given_stick(
    log_odds: Tensor, one_hot: Tensor, loc: Tensor, scale: Tensor
) -> Tensor:
    r"""Gaussians y given that category k is the first with :math:`y_k > 0`.

    Those before k are truncated above at 0, :math:`y_k` below at 0, the rest free.
    Derivatives in ``loc`` and ``scale`` are implicit, of every order.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; ``log_odds`` and result:
        ``sample + batch + (K-1,)``; ``one_hot``: ``sample + batch + (K,)``.

    Args:
        log_odds: log odds of independent uniform noise.
        one_hot: the category.
        loc: means of the Gaussians.
        scale: their standard deviations, positive.

    Source:
        Not in the paper.
    """
    chosen = one_hot[..., :-1] > 0.5
    is_before = one_hot.cumsum(-1)[..., :-1] < 0.5
    bound = -loc / scale
    below = _log_odds_below(log_odds, bound)
    above = -_log_odds_below(-log_odds, -bound)
    truncated = torch.where(chosen, above, torch.where(is_before, below, log_odds))
    return loc + scale * probit_of_log_odds(truncated)


def gumbels_given_argmax(log_odds: Tensor, one_hot: Tensor, logits: Tensor) -> Tensor:
    r"""Logits plus Gumbel noise, given which is the largest.

    With exponential :math:`E_j`, the largest is :math:`-\log E_k` and the others are
    :math:`-\log(E_j / p_j + E_k)`.

    Shape:
        ``logits``: ``batch + (K,)``; the others and the result:
        ``sample + batch + (K,)``.

    Args:
        log_odds: log odds of independent uniform noise.
        one_hot: the category.
        logits: log probabilities, normalised.

    Source:
        Tucker et al. (2017), appendix; Maddison, Tarlow and Minka (2014).
    """
    log_e = softplus(-log_odds).log()
    log_e_k = (one_hot * log_e).sum(-1, keepdim=True)
    others = -torch.logaddexp(log_e - logits, log_e_k)
    return torch.where(one_hot > 0.5, -log_e_k, others)


def _log_odds_below(log_odds: Tensor, bound: Tensor) -> Tensor:
    r"""Log odds of :math:`v \Phi(b)`, v uniform: a standard normal truncated at b."""
    log_v, log_rest = logsigmoid(log_odds), logsigmoid(-log_odds)
    upper = torch.logaddexp(log_rest, log_v + log_ndtr(-bound))
    return log_v + log_ndtr(bound) - upper


def _maximum_given(
    log_odds: Tensor, chosen: Tensor, loc: Tensor, scale: Tensor
) -> Tensor:
    """The maximum M > 0, given whose it is, where the log odds of its CDF are these."""
    loc, floor = from_the_maximum(loc, scale)

    def log_density(t: Tensor) -> Tensor:
        u = (t.unsqueeze(-1) - loc) / scale
        log_normal = -0.5 * (u**2 + math.log(2 * math.pi)) - scale.log()
        return torch.where(chosen > 0.5, log_normal, log_ndtr(u)).sum(-1)

    edges = _align(quantile_edges(loc, scale, floor, NUM_PANELS), log_odds)
    masses = _log_mass(log_density, edges[:-1], edges[1:])
    panel = _panel_of(log_odds, masses.detach())
    index = torch.arange(NUM_PANELS, device=loc.device)
    index = index.reshape(-1, *[1] * log_odds.dim())
    sides = torch.stack([index < panel, index > panel])
    beyond = _log_sum(masses, sides)
    edges = edges.expand(len(edges), *log_odds.shape)
    low, high = (edges.gather(0, panel + i)[0] for i in (0, 1))

    def newton(t: Tensor) -> tuple[Tensor, Tensor]:
        starts, stops = torch.stack([low, t]), torch.stack([t, high])
        left, right = beyond.logaddexp(_log_mass(log_density, starts, stops))
        error = left - right - log_odds
        density = log_density(t)
        slope = (density - left).exp() + (density - right).exp()
        return error, t - error / slope

    # Each step from the root doubles the number of derivatives that are right.
    middle = (low + high).detach() / 2
    rounding = ROUNDING * torch.finfo(low.dtype).eps * (1 + log_odds.abs())
    with torch.no_grad():
        root = bracketed_newton(newton, middle, low, high, rounding)
    return newton(newton(root)[1])[1] - floor


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
    """The panel in which the log odds of the distribution function are these."""
    left = log_masses.logcumsumexp(0)[:-1]
    right = log_masses.flip(0).logcumsumexp(0).flip(0)[1:]
    return (left - right < log_odds).sum(0, keepdim=True)
