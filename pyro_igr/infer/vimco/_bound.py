"""The bound of weights, the baselines of its samples, and what scales and masks."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from pyro_igr._typed import Message
from pyro_igr.handlers._site_weights import agreement
from pyro_igr.infer._sites import is_one_hot

UNEQUAL = (
    "expected one scale, a number, of all sites that depend on one-hot ones, whose "
    "weights it is a factor of; it differs at site '{}': scale all of them alike, or "
    "train by TraceUnorderedSet_ELBO"
)

UNLIKE = (
    "site '{}' has another mask in the model than in the guide, or counts in only one "
    "of both, so that weights would not be of p(x): let it be latent in both, with the "
    "same mask"
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


def check_masks(sites: Sequence[Message]) -> None:
    """Raises at a one-hot site that counts otherwise in the model than in the guide.

    In NumPyro it says whether masks agree, which jit may know once the program runs.

    Args:
        sites: of traces.

    Raises:
        ValueError: naming the site.
    """
    for name, pair in _by_name(sites).items():
        if len(pair) == 1 or not agreement(*pair).get("mask", True):
            raise ValueError(UNLIKE.format(name))


def _by_name(sites: Sequence[Message]) -> dict[str, list[Message]]:
    """One-hot sites of model and guide, but those that only a guide has."""
    found: dict[str, list[Message]] = {}
    for site in filter(is_one_hot, sites):
        if not site["infer"].get("is_auxiliary"):
            found.setdefault(site["name"], []).append(site)
    return found


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
