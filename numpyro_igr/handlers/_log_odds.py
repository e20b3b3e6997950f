"""An effect handler that samples IGR sites in their Gaussian coordinates."""

from functools import partial
from typing import cast

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import (
    Distribution,
    Independent,
    Normal,
    TransformedDistribution,
)
from numpyro.handlers import infer_config

from numpyro_igr._host import Messenger, is_cond
from numpyro_igr._typed import Transform
from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions._truncated import Truncated
from numpyro_igr.distributions.expected_one_hot import (
    NO_DENSITY,
    ExpectedOneHotCategorical,
)
from numpyro_igr.distributions.recovering import innermost, inside
from numpyro_igr.handlers._categories import is_continuous
from numpyro_igr.handlers._site_weights import agreement

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
    "site '{}' has its value already, from a scan or a handler such as substitute, and "
    "not in Gaussian coordinates: write the steps of the scan out in a loop, or use "
    "the host's TraceMeanField_ELBO"
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

    def __init__(self, sites: dict[str, dict], *, is_model: bool) -> None:
        super().__init__()
        self.sites, self.is_model = sites, is_model

    def process_message(self, msg: dict) -> None:
        if msg["type"] == "control_flow" and not is_cond(msg):
            step, *rest = msg["args"]
            msg["args"] = infer_config(step, self._check_unscanned), *rest
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        name, dist = msg["name"], msg["fn"]
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

    # The host hands the step of a scan values of u, which it cannot go on with.
    def _check_unscanned(self, msg: dict) -> dict:
        if not msg["is_observed"] and self._map(msg["name"]):
            raise ValueError(GIVEN.format(msg["name"]))
        return {}

    def _map(self, name: str) -> Transform | None:
        return cast(Transform | None, self.sites.get(name, {}).get("map"))

    # Traces, which lie outside, have u by now; the program goes on with z.
    def postprocess_message(self, msg: dict) -> None:
        if msg["type"] == "sample" and not msg["is_observed"]:
            if self._map(msg["name"]):
                site = self.sites[msg["name"]]
                site["value"] = msg["value"] = site["map"](msg["value"])


def _check_means(guide_site: dict, model_site: dict) -> None:
    dists = (innermost(site["fn"]) for site in (guide_site, model_site))
    if len({isinstance(dist, ExpectedOneHotCategorical) for dist in dists}) > 1:
        raise ValueError(NO_DENSITY)


def _check_kinds(guide_site: dict, model_site: dict) -> None:
    both = ("model", model_site), ("guide", guide_site)
    for (one, site), (other, beside) in (both, both[::-1]):
        is_one_hot = isinstance(innermost(site["fn"]), OneHotCategorical)
        if is_one_hot and is_continuous(beside["fn"]):
            name, kind = site["name"], type(innermost(beside["fn"])).__name__
            raise ValueError(MASS.format(name, one, other, kind))


# What jit traces can't be compared before it runs: then the loss is NaN if it differs.
def _check_weights(guide_site: dict, model_site: dict) -> None:
    for aspect, same in agreement(guide_site, model_site).items():
        if same is False:
            raise ValueError(UNLIKE.format(model_site["name"], aspect))
        if same is not True:
            scale = 1.0 if model_site["scale"] is None else model_site["scale"]
            model_site["scale"] = jnp.where(same, scale, jnp.nan)


# A class that draws values in its own way knows whether they are images of y.
def _map_of(dist: Distribution) -> Transform | None:
    dist = innermost(dist)
    if not isinstance(dist, GaussianPushforward):
        return None
    drawn_by = next(c for c in type(dist).__mro__ if "sample" in vars(c))
    is_image = drawn_by is GaussianPushforward or "unit_map" in vars(drawn_by)
    return dist.unit_map if is_image else None


def _in_log_odds(dist: Distribution, unit_map: Transform) -> Distribution:
    if _map_of(dist) is unit_map:
        return _gaussian(cast(GaussianPushforward, dist))
    # The host joins maps to maps, and would lose the -inf of what is truncated.
    whole = Independent(dist, 0) if isinstance(dist, Truncated) else dist
    return TransformedDistribution(whole, [unit_map.inv])


def _gaussian(dist: GaussianPushforward) -> Distribution:
    shift = cast(Array, dist.unit_shift)  # as it has a unit_map
    tau, shift = (jnp.expand_dims(x, -1) for x in (dist.temperature, shift))
    loc, scale = dist.loc / tau + shift, dist.scale / tau
    # A batch may come from an option alone, such as rho.
    loc = jnp.broadcast_to(loc, (*dist.batch_shape, dist.event_shape[0] - 1))
    return Normal(loc, scale, validate_args=False).to_event(1)
