"""The bound of weights, the baselines of its samples, and the scale of both."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from pyro_igr._typed import Message

UNEQUAL = (
    "expected one scale, a number, of all sites that depend on one-hot ones, whose "
    "weights it is a factor of; it differs at site '{}': scale all of them alike, or "
    "train by TraceUnorderedSet_ELBO"
)


def common_scale(sites: Sequence[Message]) -> Tensor | float:
    """What scales the log-densities of sites, all alike.

    Args:
        sites: of traces, at least one.

    Raises:
        ValueError: if they are not scaled alike, by a number.
    """
    first = sites[0]["scale"]
    for site in sites:
        scale = site["scale"]
        is_number = not isinstance(scale, Tensor) or scale.dim() == 0
        if not (is_number and bool(scale == first)):
            raise ValueError(UNEQUAL.format(site["name"]))
    return first


def bound_and_score(
    log_w: Tensor, log_q: Tensor, scale: Tensor | float
) -> tuple[Tensor, Tensor]:
    """The estimate of the bound, and a term that adds the score to its gradient.

    Args:
        log_w: scaled log weights of S samples in elements of plates.
        log_q: joint log probabilities of the samples, of the same shape.
        scale: of the weights.
    """
    log_w, size = log_w / scale, len(log_w)
    bound = log_w.logsumexp(0) - math.log(size)
    with torch.no_grad():
        same = torch.eye(size, device=log_w.device) > 0
        same = same.reshape(size, size, *[1] * (log_w.dim() - 1))
        others = torch.where(same, 0.0, log_w).sum(1, keepdim=True) / (size - 1)
        baselines = torch.where(same, others, log_w).logsumexp(1) - math.log(size)
        advantage = bound - baselines
    return (scale * bound).sum(), (scale * advantage * log_q).sum()
