"""The part of an automatic guide at relaxed sites."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pyro_igr._typed import Message
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.recovering import innermost
from pyro_igr.infer.autoguide._scales import Scale
from pyro_igr.infer.autoguide._site_guide import SiteGuide


class RelaxedGuide(SiteGuide):
    r"""A guide to the relaxed sites of a model, which are all that it has.

    Args:
        model: a model with the other sites hidden.
        temperature: as in :class:`AutoIGR`, of which this is a part.
        scale: as in :class:`AutoIGR`.
    """

    def __init__(
        self,
        model: Callable,
        temperature: Tensor | float | Callable,
        scale: Scale,
    ) -> None:
        super().__init__(model, scale)
        self.temperature = temperature

    def _start(self, site: Message) -> tuple[Tensor, Tensor]:
        like = innermost(site["fn"])
        return like.loc, like.scale

    def _maker(self, *args: Any, **kwargs: Any) -> Callable:
        given = self.temperature
        tau = given(*args, **kwargs) if callable(given) else given
        return lambda like, loc, scale: like.like(tau, loc, scale)

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """At a relaxed site: its discrete probabilities, ``batch + (K,)``."""
        return {
            name: innermost(site["fn"]).like(1.0, *self._gaussian(name)).probs
            for name, site in self.sites().items()
        }

    @torch.no_grad()
    def quantiles(
        self, quantiles: Sequence[float] | float, *args: Any, **kwargs: Any
    ) -> dict[str, Tensor]:
        """At a relaxed site: as ``median``, for every q: ``(Q,) + batch + (K,)``."""
        probs, number = self.median().items(), torch.as_tensor(quantiles).numel()
        return {name: p.expand(number, *p.shape) for name, p in probs}


def is_relaxed(site: Message) -> bool:
    """Whether a relaxed distribution is at a site.

    Args:
        site: of a trace of the model.
    """
    return isinstance(innermost(site["fn"]), GaussianPushforward)
