"""A warning of guides whose scale is learned, where only loc / scale counts."""

import warnings
from collections.abc import Mapping

from pyro_igr._typed import Message
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.rao_blackwell import behind
from pyro_igr.distributions.recovering import innermost

FREE_SCALE = (
    "The scale of the guide at site '{}' is learned: with the KL of the discrete "
    "distributions loc and scale can shrink together, which leaves samples without "
    "noise and a useless discrete model. Fix the scale, or bound it from below "
    "and filter this warning, which cannot see the bound."
)


def warn_of_free_scale(sites: Mapping[str, Message]) -> bool:
    """Whether it has warned of a site of a guide with a scale that is learned.

    Args:
        sites: of the guide, as they were before a handler changed them.
    """
    for name, site in sites.items():
        dist = behind(innermost(site["fn"]))
        if isinstance(dist, GaussianPushforward) and dist.scale.requires_grad:
            warnings.warn(FREE_SCALE.format(name), stacklevel=3)
            return True
    return False
