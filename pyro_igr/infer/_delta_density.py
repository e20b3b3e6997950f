"""The density of a Delta of the host's guides, which its KL leaves out."""

from typing import Any

from pyro.distributions import Delta
from pyro.poutine.messenger import Messenger

from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions.recovering import innermost
from pyro_igr.infer._relaxed_sample import CountedByDensity


class DensityMessenger(Messenger):
    """Counts every Delta with a density by it."""

    def _pyro_sample(self, msg: Message) -> None:
        if not msg["is_observed"] and has_density(msg["fn"]):
            msg["fn"] = CountedByDensity(msg["fn"])


def has_density(dist: Distribution) -> bool:
    """Whether a distribution is a Delta with a density, or with one that is trained.

    Args:
        dist: with the wrappers of the host.
    """
    dist = innermost(dist)
    if not isinstance(dist, Delta):
        return False
    density: Any = dist.log_density
    return density.requires_grad or bool((density != 0).any())
