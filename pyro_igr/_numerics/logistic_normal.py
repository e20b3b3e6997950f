"""Moments of a logistic-normal stick, and the Gaussian that has them."""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

# Equally spaced nodes, up to where a Gaussian has fallen to 1e-18. Their error falls as
# exp(-2 pi^2 / (scale * spacing)), and is 1e-9 at scale 54.
WIDTH, NUM_NODES = 9.0, 1024
# Newton steps from the solution for a probit in place of the sigmoid; and halvings,
# which bring the scale to 1e-9 of itself.
NUM_NEWTON, NUM_HALVINGS = 8, 40


def _nodes(like: Tensor) -> tuple[Tensor, Tensor]:
    of_like = {"dtype": torch.float64, "device": like.device}
    x = torch.linspace(-WIDTH, WIDTH, NUM_NODES, **of_like)
    return x, (-(x**2) / 2).log_softmax(-1)


def _log_means(loc: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of the means of a stick and of what it leaves."""
    x, log_weights = _nodes(loc)
    y = loc.unsqueeze(-1) + scale.unsqueeze(-1) * x
    of_it, of_rest = ((logsigmoid(s * y) + log_weights).logsumexp(-1) for s in (1, -1))
    return of_it, of_rest


def mean_logit(loc: Tensor, scale: Tensor) -> Tensor:
    """The logit of the mean of the logistic function of a Gaussian.

    Args:
        loc: mean of the Gaussian, in double precision.
        scale: its standard deviation.
    """
    log_mean, log_rest = _log_means(loc, scale)
    return log_mean - log_rest


def spread(loc: Tensor, scale: Tensor) -> Tensor:
    """The variance of the logistic function of a Gaussian, over the most it can be.

    Args:
        loc: mean of the Gaussian, in double precision.
        scale: its standard deviation.
    """
    x, log_weights = _nodes(loc)
    log_mean, log_rest = _log_means(loc, scale)
    stick = (loc.unsqueeze(-1) + scale.unsqueeze(-1) * x).sigmoid()
    squares = (stick - log_mean.exp().unsqueeze(-1)) ** 2
    return (squares * log_weights.exp()).sum(-1) * (-log_mean - log_rest).exp()


def loc_of_mean(logit: Tensor, scale: Tensor) -> Tensor:
    """The mean of the Gaussian at which :func:`mean_logit` is this.

    Args:
        logit: of the mean of the logistic function.
        scale: standard deviation of the Gaussian.
    """
    loc = logit * torch.sqrt(1 + math.pi * scale**2 / 8)
    for _ in range(NUM_NEWTON):
        loc = loc - (mean_logit(loc, scale) - logit) / _slope(loc, scale)
    return loc


def _slope(loc: Tensor, scale: Tensor) -> Tensor:
    """The derivative of the logit of the mean in loc."""
    x, log_weights = _nodes(loc)
    y = loc.unsqueeze(-1) + scale.unsqueeze(-1) * x
    slopes = (logsigmoid(y) + logsigmoid(-y) + log_weights).logsumexp(-1)
    return (slopes - sum(_log_means(loc, scale))).exp()


def scale_of_spread(logit: Tensor, wanted: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The scale of the Gaussian at which :func:`spread` is this, given the mean.

    Args:
        logit: of the mean of the logistic function.
        wanted: the spread.
        low: a scale that is too small, or the answer.
        high: a scale that is too large, or the answer.
    """
    low, high = torch.log(low), torch.log(high)
    for _ in range(NUM_HALVINGS):
        middle = (low + high) / 2
        scale = torch.exp(middle)
        is_low = spread(loc_of_mean(logit, scale), scale) < wanted
        low, high = torch.where(is_low, middle, low), torch.where(is_low, high, middle)
    return torch.exp((low + high) / 2)
