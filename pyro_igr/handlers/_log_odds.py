"""An effect handler that samples IGR sites in their Gaussian coordinates."""

from functools import partial
from typing import cast

from pyro.distributions import Normal, OneHotCategorical
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._typed import Distribution, Message, Transform, TransformedDistribution
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.expected_one_hot import (
    NO_DENSITY,
    ExpectedOneHotCategorical,
)
from pyro_igr.distributions.recovering import innermost, inside
from pyro_igr.handlers._categories import is_continuous
from pyro_igr.handlers._site_weights import agreement

UNLIKE = (
    "site '{}' has another {} in the model than in the guide, so that the loss would "
    "depend on coordinates: make them equal, or use the host's Trace_ELBO"
)

MASS = (
    "site '{}' is one-hot in the {}, and in the {} it has the density of {}, which no "
    "probability compares to: relax both programs, or none, or train by "
    "TraceDiscreteKL_ELBO"
)

GIVEN = (
    "site '{}' has its value already, from a handler such as replay, and not in "
    "Gaussian coordinates: leave that handler out, or use the host's "
    "TraceMeanField_ELBO"
)


class LogOddsMessenger(Messenger):
    r"""Samples IGR sites as :math:`u = y / \tau - \log \delta`, and hands on their z.

    z is the image of u at temperature 1, whatever the temperature and delta of the
    distribution, and u is Gaussian: its density is exact even where entries of z
    underflow. Known are the families with a ``unit_map``; other sites are untouched.

    Args:
        sites: with their map from u to z, or None: filled by a guide, obeyed by a
            model, whose other distributions are pulled back through the maps.
        is_model: whether it handles the model.

    Raises:
        ValueError: at a site whose scale, masks or shape differ in model and guide:
            the sum of its terms is another one in other coordinates; at one that has
            its value already; at one that is one-hot, or a mean of a one-hot variable,
            in one of both only.
    """

    def __init__(self, sites: dict[str, Message], *, is_model: bool) -> None:
        super().__init__()
        self.sites, self.is_model = sites, is_model

    def _pyro_sample(self, msg: Message) -> None:
        name, dist = msg["name"], msg["fn"]
        if msg["is_observed"]:
            return
        if not self.is_model:
            self.sites[name] = {**msg, "map": _map_of(dist)}
        elif name in self.sites:
            _check_means(self.sites[name], msg)
            _check_kinds(self.sites[name], msg)
        if unit_map := self._map(name):
            if msg["value"] is not None:
                raise ValueError(GIVEN.format(name))
            if self.is_model:
                _check_weights(self.sites[name], msg)
            change = partial(_in_log_odds, unit_map=unit_map)
            msg["fn"] = inside(dist, change)

    def _map(self, name: str) -> Transform | None:
        return cast(Transform | None, self.sites.get(name, {}).get("map"))

    # Traces, which lie outside, have u by now; the program goes on with z.
    def _pyro_post_sample(self, msg: Message) -> None:
        if not msg["is_observed"] and self._map(msg["name"]):
            site = self.sites[msg["name"]]
            site["value"] = msg["value"] = site["map"](msg["value"])


def _check_means(guide_site: Message, model_site: Message) -> None:
    dists = (innermost(site["fn"]) for site in (guide_site, model_site))
    if len({isinstance(dist, ExpectedOneHotCategorical) for dist in dists}) > 1:
        raise ValueError(NO_DENSITY)


def _check_kinds(guide_site: Message, model_site: Message) -> None:
    both = ("model", model_site), ("guide", guide_site)
    for (one, site), (other, beside) in (both, both[::-1]):
        is_one_hot = isinstance(innermost(site["fn"]), OneHotCategorical)
        if is_one_hot and is_continuous(beside["fn"]):
            name, kind = site["name"], type(innermost(beside["fn"])).__name__
            raise ValueError(MASS.format(name, one, other, kind))


def _check_weights(guide_site: Message, model_site: Message) -> None:
    for aspect, same in agreement(guide_site, model_site).items():
        if not same:
            raise ValueError(UNLIKE.format(model_site["name"], aspect))


# A class that draws values in its own way knows whether they are images of y.
def _map_of(dist: Distribution) -> Transform | None:
    dist = innermost(dist)
    if not isinstance(dist, GaussianPushforward):
        return None
    drawn_by = next(c for c in type(dist).__mro__ if "rsample" in vars(c))
    is_image = drawn_by is GaussianPushforward or "unit_map" in vars(drawn_by)
    return cast(Transform | None, dist.unit_map) if is_image else None


def _in_log_odds(dist: Distribution, unit_map: Transform) -> Distribution:
    if _map_of(dist) is unit_map:
        return _gaussian(cast(GaussianPushforward, dist))
    return TransformedDistribution(dist, [unit_map.inv])


def _gaussian(dist: GaussianPushforward) -> Distribution:
    shift = cast(Tensor, dist.unit_shift)  # as it has a unit_map
    tau, shift = dist.temperature.unsqueeze(-1), shift.unsqueeze(-1)
    loc, scale = dist.loc / tau + shift, dist.scale / tau
    return Normal(loc, scale, validate_args=False).to_event(1)
