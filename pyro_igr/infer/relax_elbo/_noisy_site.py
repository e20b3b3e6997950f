"""A handler that draws one-hot sites through their noise, and lets them be relaxed."""

from collections.abc import Callable
from typing import cast

import torch
from pyro import poutine
from pyro.distributions import OneHotCategorical
from pyro.infer.inspect import get_dependencies
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions.noise import Noise, draw_log_odds, finite
from pyro_igr.distributions.recovering import (
    discrete_behind,
    innermost,
    inside,
    is_of_log,
    recover,
)
from pyro_igr.infer._discrete_site import check_discrete
from pyro_igr.infer.relax_elbo._noise_type import noise_type


class LinearOneHot(OneHotCategorical):
    """A one-hot distribution whose log-probability is linear on the whole simplex."""

    def log_prob(self, value: Tensor) -> Tensor:
        return (value * finite(self.logits)).sum(-1)


class NoisySiteMessenger(Messenger):
    """Makes relaxed and one-hot sites of guide and model :class:`LinearOneHot`.

    A program whose distribution is that of log z goes on with the logarithm of the
    value.

    Args:
        noises: the noise behind each site: filled by a guide that draws, obeyed by
            the programs that are replayed.
        dists: the distributions of a guide: filled when it draws, used again when it is
            replayed; None for a model.
        is_drawing: whether it handles a guide that draws.
    """

    def __init__(
        self,
        noises: dict[str, Noise],
        dists: dict[str, Distribution] | None = None,
        *,
        is_drawing: bool = False,
    ) -> None:
        super().__init__()
        self.noises, self.dists, self.is_drawing = noises, dists, is_drawing
        self.in_logs: set[str] = set()

    def _pyro_sample(self, msg: Message) -> None:
        if msg["is_observed"]:
            return
        name, dist = msg["name"], msg["fn"]
        dists = cast(dict[str, Distribution], self.dists)
        if self.is_drawing and (make := noise_type(dist, name)):
            dists[name] = _linear(recover(dist))
            self.noises[name] = _draw(make, dist, innermost(dists[name]).logits)
            msg["value"] = self.noises[name].category
        if name in self.noises:
            is_model = self.dists is None
            msg["fn"] = self._of_model(dist, name) if is_model else dists[name]
            if is_of_log(dist):
                self.in_logs.add(name)

    def _of_model(self, dist: Distribution, name: str) -> Distribution:
        discrete, size = discrete_behind(dist), self.noises[name].category.shape[-1]
        check_discrete(discrete, dist, name, num_categories=size)
        return _linear(discrete)

    # Traces, which lie outside, have z by now. The derivative -1/z^2 must be finite.
    def _pyro_post_sample(self, msg: Message) -> None:
        if msg["name"] in self.in_logs:
            least = torch.finfo(msg["value"].dtype).tiny ** 0.5
            msg["value"] = msg["value"].clamp(min=least).log()


def _draw(make: type[Noise], dist: Distribution, like: Tensor) -> Noise:
    shape = (2, *dist.batch_shape, *dist.event_shape)
    return make(innermost(dist), draw_log_odds(shape, like))


def _linear(dist: Distribution) -> Distribution:
    made = inside(dist, lambda x: LinearOneHot(logits=x.logits, validate_args=False))
    return cast(Distribution, made)


# A plate that is subsampled takes no parameters that the host follows.
def prior_dependencies(
    guide: Callable, args: tuple, kwargs: dict
) -> dict[str, Message]:
    """The sites of a guide that each of its sites depends on.

    Args:
        guide: with its parameters.
        args: of the guide.
        kwargs: of the guide.
    """
    hidden = poutine.block(guide, hide_types=["param"])
    found = get_dependencies(hidden, args, kwargs)
    return cast(dict[str, Message], found["prior_dependencies"])
