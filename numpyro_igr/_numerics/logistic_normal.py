"""Moments of a logistic-normal stick, and the Gaussian that has them."""

import math

import numpy as np
from numpy.typing import NDArray

# Equally spaced nodes, up to where a Gaussian has fallen to 1e-18. Their error falls as
# exp(-2 pi^2 / (scale * spacing)), and is 1e-9 at scale 54.
WIDTH, NUM_NODES = 9.0, 1024
# Newton steps from the solution for a probit in place of the sigmoid; and halvings,
# which bring the scale to 1e-9 of itself.
NUM_NEWTON, NUM_HALVINGS = 8, 40


def _nodes() -> tuple[NDArray, NDArray]:
    x = np.linspace(-WIDTH, WIDTH, NUM_NODES)
    log_weights = -(x**2) / 2
    return x, log_weights - np.logaddexp.reduce(log_weights)


def _logsigmoid(y: NDArray) -> NDArray:
    return -np.logaddexp(0, -y)


def _log_means(loc: NDArray, scale: NDArray) -> tuple[NDArray, ...]:
    """Logarithms of the means of a stick and of what it leaves."""
    x, log_weights = _nodes()
    y = loc[..., None] + scale[..., None] * x
    terms = (_logsigmoid(s * y) + log_weights for s in (1, -1))
    return tuple(np.logaddexp.reduce(term, -1) for term in terms)


def mean_logit(loc: NDArray, scale: NDArray) -> NDArray:
    """The logit of the mean of the logistic function of a Gaussian.

    Args:
        loc: mean of the Gaussian, in double precision.
        scale: its standard deviation.
    """
    log_mean, log_rest = _log_means(loc, scale)
    return log_mean - log_rest


def spread(loc: NDArray, scale: NDArray) -> NDArray:
    """The variance of the logistic function of a Gaussian, over the most it can be.

    Args:
        loc: mean of the Gaussian, in double precision.
        scale: its standard deviation.
    """
    x, log_weights = _nodes()
    log_mean, log_rest = _log_means(loc, scale)
    stick = np.exp(_logsigmoid(loc[..., None] + scale[..., None] * x))
    squares = (stick - np.exp(log_mean)[..., None]) ** 2
    return (squares * np.exp(log_weights)).sum(-1) * np.exp(-log_mean - log_rest)


def loc_of_mean(logit: NDArray, scale: NDArray) -> NDArray:
    """The mean of the Gaussian at which :func:`mean_logit` is this.

    Args:
        logit: of the mean of the logistic function.
        scale: standard deviation of the Gaussian.
    """
    loc = logit * np.sqrt(1 + math.pi * scale**2 / 8)
    for _ in range(NUM_NEWTON):
        loc = loc - (mean_logit(loc, scale) - logit) / _slope(loc, scale)
    return loc


def _slope(loc: NDArray, scale: NDArray) -> NDArray:
    """The derivative of the logit of the mean in loc."""
    x, log_weights = _nodes()
    y = loc[..., None] + scale[..., None] * x
    terms = _logsigmoid(y) + _logsigmoid(-y) + log_weights
    return np.exp(np.logaddexp.reduce(terms, -1) - sum(_log_means(loc, scale)))


def scale_of_spread(
    logit: NDArray, wanted: NDArray, low: NDArray, high: NDArray
) -> NDArray:
    """The scale of the Gaussian at which :func:`spread` is this, given the mean.

    Args:
        logit: of the mean of the logistic function.
        wanted: the spread.
        low: a scale that is too small, or the answer.
        high: a scale that is too large, or the answer.
    """
    low, high = np.log(low), np.log(high)
    for _ in range(NUM_HALVINGS):
        middle = (low + high) / 2
        scale = np.exp(middle)
        is_low = spread(loc_of_mean(logit, scale), scale) < wanted
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return np.exp((low + high) / 2)
