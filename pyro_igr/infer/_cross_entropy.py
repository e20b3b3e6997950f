"""The cross-entropy of one-hot laws, from their logarithms."""

import math

import torch
from pyro.distributions import OneHotCategorical
from torch import Tensor


def cross_entropy(q: OneHotCategorical, p: OneHotCategorical) -> Tensor:
    r""":math:`-E_q \log p`, finite also where a probability of p has underflowed.

    Infinite where p lacks a category that q has.

    Shape: ``batch``, broadcast.
    Units: nats.

    Args:
        q: whose mean it is.
        p: whose logarithm it is.
    """
    terms = -q.probs * p.logits.clamp(min=torch.finfo(p.logits.dtype).min)
    return torch.where((q.probs > 0) & _is_lacking(p), torch.inf, terms).sum(-1)


# The host has the logarithm of its rounding error for that of a given probability of 0,
# and a KL that is infinite also where a probability has underflowed.
def _is_lacking(p: OneHotCategorical) -> Tensor:
    limits = torch.finfo(p.logits.dtype)
    given_as_0 = (p.probs == 0) & (p.logits > math.log(limits.tiny))
    return given_as_0 | (p.logits <= limits.min)
