"""A relaxed distribution that draws as itself and counts linearly in its value."""

from collections.abc import Callable
from typing import Any

import torch
from pyro.distributions import OneHotCategorical
from torch import Size, Tensor

from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions._mean_log_prob import is_lacking, mean_log_prob
from pyro_igr.distributions.expected_one_hot import ExpectedOneHotCategorical
from pyro_igr.distributions.recovering import innermost, is_of_log
from pyro_igr.handlers._site_weights import agreement
from pyro_igr.infer._data_plates import MASKS
from pyro_igr.infer._discrete_site import recover_with_gradient
from pyro_igr.infer._guided_latents import with_guided_latents
from pyro_igr.infer._one_hot_sites import check_relaxed
from pyro_igr.infer._relaxed_sample import (
    CountedByDensity,
    RelaxedSampleMessenger,
    discrete_of_model,
    mask_and_sum,
)
from pyro_igr.infer._sites import check_pathwise
from pyro_igr.infer.discrete_iwae._elements import Frames, frames_of


class CountedLinearly(CountedByDensity):
    r"""Draws z from ``dist``, and counts by :math:`\sum_k z_k \log p_k`.

    The sum is over the categories that q has, as that of a KL is: relaxed values of a
    family may have a share of a category that no value tends to.

    Args:
        dist: a relaxed or one-hot distribution, with the wrappers of the host.
        discrete: the one-hot distribution p, without them.
        of_guide: the one-hot distribution q.
    """

    def __init__(
        self,
        dist: Distribution,
        discrete: OneHotCategorical,
        of_guide: OneHotCategorical,
    ) -> None:
        self.discrete, self.of_guide = discrete, of_guide
        super().__init__(dist)

    def expand(self, batch_shape: Size, _instance: object = None) -> "CountedLinearly":
        dist = self.dist.expand(batch_shape)
        return CountedLinearly(dist, self.discrete, self.of_guide)

    def log_prob(self, value: Tensor) -> Tensor:
        z = value.exp() if is_of_log(self.dist) else value
        z = torch.where(is_lacking(self.of_guide), 0.0, z)
        return mask_and_sum(self.dist, mean_log_prob(z, self.discrete))


class LinearSiteMessenger(RelaxedSampleMessenger):
    """Makes sites with a discrete distribution behind them count linearly.

    Masks and scales stay as they are. Other sites count by their densities.

    Args:
        sites: filled by a guide; a model's sites of these names are made to match.
        is_model: whether it handles the model.
        detached: plates within which log q has no gradient but that of the sample.
    """

    def __init__(
        self,
        sites: dict[str, Message],
        *,
        is_model: bool,
        detached: Frames | None = None,
    ) -> None:
        super().__init__(sites, is_model=is_model)
        self.detached = detached

    def _of_guide(self, msg: Message) -> Distribution:
        name, dist = msg["name"], msg["fn"]
        check_pathwise(msg)
        discrete: Any = recover_with_gradient(dist, name)
        self.sites[name] = {**msg, "discrete": discrete}
        if discrete is None:
            return dist
        q = innermost(discrete)
        is_within = self.detached is not None and self.detached <= frames_of(msg)
        if is_within and has_noise(dist):
            q = OneHotCategorical(logits=q.logits.detach(), validate_args=False)
        return CountedLinearly(dist, q, q)

    def _of_model(self, msg: Message, guide_site: Message) -> Distribution:
        if guide_site["discrete"] is None:
            check_relaxed(guide_site, msg)
            return msg["fn"]
        of_guide = innermost(guide_site["discrete"])
        discrete = discrete_of_model(msg, guide_site)
        if agreement(guide_site, msg).get("mask") is False:
            raise ValueError(MASKS.format(msg["name"]))
        return CountedLinearly(msg["fn"], discrete, of_guide)


def count_linearly(
    model: Callable, guide: Callable, detached: Frames | None = None
) -> tuple[Callable, Callable, dict[str, Message]]:
    """A pair that counts linearly, and the latents of the guide, once it has run.

    Args:
        model: the model.
        guide: the guide.
        detached: plates within which log q has no gradient but that of the sample.
    """
    model, guide = with_guided_latents(model, guide)
    sites: dict[str, Message] = {}
    handler = LinearSiteMessenger(sites, is_model=False, detached=detached)
    guide = handler(guide)
    return LinearSiteMessenger(sites, is_model=True)(model), guide, sites


def has_noise(dist: Distribution) -> bool:
    """Whether samples differ, which those of a mean do not.

    Args:
        dist: with the wrappers of the host.
    """
    return not isinstance(innermost(dist), ExpectedOneHotCategorical)
