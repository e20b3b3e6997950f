"""The mean log-probability of one-hot vectors, from logarithms."""

import math

import torch
from torch import Tensor
from torch.distributions import OneHotCategorical


def mean_log_prob(weights: Tensor, distribution: OneHotCategorical) -> Tensor:
    r""":math:`\sum_k w_k \log p_k`, finite also where a probability has underflowed.

    Minus infinity where the distribution lacks a category that has a weight.

    Shape:
        ``weights``: ``batch + (K,)``; result ``batch``, broadcast.
    Units:
        Nats.

    Args:
        weights: points of the simplex.
        distribution: over K categories.
    """
    logits = distribution.logits
    terms = weights * logits.clamp(min=torch.finfo(logits.dtype).min)
    has_lacking = (weights > 0) & is_lacking(distribution)
    return torch.where(has_lacking, -torch.inf, terms).sum(-1)


def is_lacking(distribution: OneHotCategorical) -> Tensor:
    """Whether a distribution lacks a category, and not by underflow.

    Args:
        distribution: over K categories.
    """
    # The host has the logarithm of its rounding error for that of a probability of 0,
    # and a KL that is infinite also where a probability has underflowed.
    logits = distribution.logits
    limits = torch.finfo(logits.dtype)
    given_as_0 = (distribution.probs == 0) & (logits > math.log(limits.tiny))
    return given_as_0 | (logits <= limits.min)
