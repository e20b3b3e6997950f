"""First values of sites with an improper prior, which the host cannot draw."""

from typing import Any

import torch
from pyro.distributions import ImproperUniform
from pyro.poutine.messenger import Messenger
from torch import Tensor
from torch.distributions import biject_to

from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions.recovering import innermost, inside


class StartMessenger(Messenger):
    """Lets a model be run alone, though it has sites with an ``ImproperUniform``.

    Their values are near 0 before the bijection onto the support, as where the host
    initializes such sites. They count only where a guide looks for its sites.
    """

    def _pyro_sample(self, msg: Message) -> None:
        if msg["is_observed"]:
            return
        if isinstance(innermost(msg["fn"]), ImproperUniform):
            msg["fn"] = inside(msg["fn"], _started)


class _Started(ImproperUniform):
    def sample(self, sample_shape: Any = ()) -> Tensor:
        bijection = biject_to(self.support)
        shape = bijection.inverse_shape(self.shape(sample_shape))
        return bijection(4.0 * torch.rand(shape) - 2.0)


def _started(dist: Distribution) -> Distribution:
    return _Started(dist.support, dist.batch_shape, dist.event_shape)
