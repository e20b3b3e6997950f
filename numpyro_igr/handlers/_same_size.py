"""Checks that a model has the categories of its guide, as many and as vectors."""

from collections.abc import Mapping

from numpyro.distributions import Distribution

from numpyro_igr._host import Messenger
from numpyro_igr.distributions.gem import GEM
from numpyro_igr.distributions.infinite import InfiniteIGR
from numpyro_igr.distributions.one_hot import OneHotCategorical
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.handlers._categories import is_discrete
from numpyro_igr.handlers._relaxed_sites import RELAXED, is_latent

COUNTABLE = GEM | InfiniteIGR  # which may show more sticks or fewer than a guide

OF_INTEGERS = (
    "site '{0}' is a {1} of integers in the model, and of vectors in the guide: relax "
    "the model too, with one_hot={{'{0}'}}"
)


class SameSizeMessenger(Messenger):
    """Refuses other categories than the guide's, before a model goes on with a value.

    Args:
        sites: of the trace of a guide.
    """

    def __init__(self, sites: Mapping[str, dict]) -> None:
        super().__init__()
        self.sizes: dict[str, int] = {
            name: site["fn"].event_shape[-1]
            for name, site in sites.items()
            if is_latent(site)
            and isinstance(innermost(site["fn"]), RELAXED | OneHotCategorical)
        }

    def process_message(self, msg: dict) -> None:
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        name, dist = msg["name"], msg["fn"]
        if name in self.sizes:
            check_no_integers(dist, name)
            if dist.event_shape and not isinstance(innermost(dist), COUNTABLE):
                check_same_size(dist, name, num_categories=self.sizes[name])


def check_no_integers(dist: Distribution, site: str) -> None:
    """Raises if a model has integers where its guide has one-hot or relaxed vectors.

    Args:
        dist: of the model.
        site: its name.

    Raises:
        ValueError: naming the site.
    """
    found = innermost(dist)
    if is_discrete(found) and not found.event_shape:
        raise ValueError(OF_INTEGERS.format(site, type(found).__name__))


def check_same_size(dist: Distribution, site: str, *, num_categories: int) -> None:
    """Raises unless a distribution of a model has as many categories as the guide's.

    Args:
        dist: of the model.
        site: its name.
        num_categories: of the guide's distribution.

    Raises:
        ValueError: naming the site, and both numbers.
    """
    if dist.event_shape[-1] != num_categories:
        raise ValueError(
            f"expected the {num_categories} categories of the guide at site '{site}' "
            f"of the model, got {dist.event_shape[-1]}: K categories have K-1 entries "
            "in loc and scale; where the parameters of counts are drawn or trained, "
            "give their number as num_sticks"
        )
