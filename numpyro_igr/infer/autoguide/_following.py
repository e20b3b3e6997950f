"""How a guide follows the masks and scales that its model sets at each call."""

from collections.abc import Callable, Mapping
from functools import partial
from math import isclose, prod
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro import handlers

from numpyro_igr._host import Messenger
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.recovering import innermost, inside, is_masked
from numpyro_igr.handlers._categories import is_discrete
from numpyro_igr.handlers._site_weights import total_mask
from numpyro_igr.infer.autoguide._sizes import check_full_sizes, plate_sizes

NEW = (
    "site '{}' was not in the first run of the model, from which AutoIGR knows its "
    "sites: call the guide first with arguments for which the model has all sites"
)
NOT_FOLLOWED = (
    "the model masks site '{}', and the guide given as continuous cannot follow it: "
    "use the default of continuous, or write a guide of all sites with the masks"
)
SCANNED = (
    "site '{}' lies in a scan, where AutoIGR cannot follow the masks and scales that "
    "the model has: write the steps out in a loop, or write a guide with the masks"
)


class FollowingMessenger(Messenger):
    """Makes a run of a model one of its guide, under the model's masks and scales.

    Args:
        parts: the function of a site's name and of its distribution in the model to
            that in the guide, by the name of the site.
        given: the values of other sites and the subsamples of plates.
        observed: the names of sites that earlier runs observed, to which this run adds:
            where they are not, to predict them, they are no sites of a guide.
    """

    def __init__(
        self, parts: dict[str, Callable], given: dict[str, Array], observed: set[str]
    ) -> None:
        super().__init__()
        self.parts, self.given, self.observed = parts, given, observed
        self.values: dict[str, Array] = {}

    def process_message(self, msg: dict) -> None:
        if msg["type"] not in ("sample", "plate"):
            return
        name = msg["name"]
        if name in self.given:
            if msg["type"] == "sample" and is_masked(msg["fn"]):
                raise ValueError(NOT_FOLLOWED.format(name))
            value: Any = self.given[name]  # in an enumerated plate, a funsor
            msg["value"] = value.data if hasattr(value, "inputs") else value
        elif name in self.parts and not msg["is_observed"]:
            if msg["value"] is not None:
                raise ValueError(SCANNED.format(name))
            make = partial(self.parts[name], name, mask=total_mask(msg))
            msg["fn"] = inside(msg["fn"], make)
        elif data := names_of_data({name: msg}):
            self.observed |= data - self.parts.keys() - self.given.keys()
        elif is_guided(msg) and name not in self.observed:
            raise ValueError(NEW.format(name))

    def postprocess_message(self, msg: dict) -> None:
        if msg["type"] == "sample" and msg["name"] in self.parts:
            self.values[msg["name"]] = msg["value"]

    def run(self, model: Callable, /, *args: Any, **kwargs: Any) -> dict[str, Array]:
        """The values of the guide's sites in a run of a model.

        Args:
            model: the model.
            args: of the model.
            kwargs: of the model.
        """
        key = numpyro.prng_key()  # for sites that are hidden from the guide's
        model = model if key is None else handlers.seed(model, key)
        with handlers.block(hide_fn=self._hides), self:
            model(*args, **kwargs)
        return self.values

    def _hides(self, msg: dict) -> bool:
        is_of_guide = msg.get("name") in self.parts and not msg.get("is_observed")
        return msg["type"] != "param" and not is_of_guide


def is_guided(site: dict) -> bool:
    """Whether a guide has to have a site: latent, and not discrete.

    Args:
        site: of a trace, or a message.
    """
    is_latent = site["type"] == "sample" and not site["is_observed"]
    return is_latent and not is_discrete(site["fn"])


def names_of_data(sites: Mapping[str, dict]) -> set[str]:
    """The names of observed sites, and of their weights, if they are relaxed counts.

    Args:
        sites: of a trace, or messages.
    """
    data = [name for name, site in sites.items() if _is_data(site)]
    return {*data, *(f"{name}_weights" for name in data)}


def is_followed(site: dict, full_sizes: dict[str, int]) -> bool:
    """Whether a model may give a site another mask, scale or option at each call.

    A scale counts if it is not that of the plates, an option if it may depend on the
    subsample of a plate or on parameters that are trained.

    Args:
        site: of a trace.
        full_sizes: of the plates, by name.
    """
    frames = [f for f in site["cond_indep_stack"] if f.size]
    plates = prod(full_sizes.get(f.name, f.size) / f.size for f in frames)
    scale = 1.0 if site["scale"] is None else site["scale"]
    is_scaled = not isinstance(scale, float) or not isclose(scale, plates)
    # A mask of True at one call may be another at the next.
    is_weighed = is_masked(site["fn"]) or is_scaled
    return is_weighed or _has_options(site, in_part=plates > 1)


def any_followed(
    model: Callable,
    full_sizes: dict[str, int],
    observed: set[str],
    /,
    *args: Any,
    **kwargs: Any,
) -> bool:
    """Whether :func:`is_followed` holds at any site of a new run, or one has data.

    Args:
        model: a model.
        full_sizes: of the plates, by name.
        observed: the names of sites that earlier runs observed.
        args: of the model.
        kwargs: of the model.

    Raises:
        ValueError: at a site in a plate of another size.
    """
    with handlers.block():
        run = handlers.trace(handlers.seed(model, 0)).get_trace(*args, **kwargs)
    latent = filter(is_guided, run.values())
    sites = [s for s in latent if s["name"] not in observed]
    check_full_sizes(sites, plate_sizes(run), full_sizes)
    newly = names_of_data(run) - observed
    return bool(newly) or any(is_followed(site, full_sizes) for site in sites)


def _is_data(site: dict) -> bool:
    return site["type"] == "sample" and site["is_observed"]


def _has_options(site: dict, *, in_part: bool) -> bool:
    like = innermost(site["fn"])
    options = like.options_in_use() if isinstance(like, GaussianPushforward) else {}
    return in_part and any(jnp.size(x) > 1 for x in jax.tree.leaves(options))
