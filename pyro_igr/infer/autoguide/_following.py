"""How a guide follows the masks and scales that its model sets at each call."""

from collections.abc import Callable, Mapping
from functools import partial
from math import isclose, prod
from typing import Any

import torch
from pyro import poutine
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.recovering import innermost, inside, is_masked
from pyro_igr.handlers._categories import is_discrete
from pyro_igr.handlers._site_weights import total_mask
from pyro_igr.infer.autoguide._sizes import check_full_sizes

NEW = (
    "site '{}' was not in the first run of the model, from which AutoIGR knows its "
    "sites: call the guide first with arguments for which the model has all sites"
)
NOT_FOLLOWED = (
    "the model masks site '{}', and the guide given as continuous cannot follow it: "
    "use the default of continuous, or write a guide of all sites with the masks"
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
        self, parts: dict[str, Callable], given: dict[str, Tensor], observed: set[str]
    ) -> None:
        super().__init__()
        self.parts, self.given, self.observed = parts, given, observed
        self.values: dict[str, Tensor] = {}

    def _pyro_sample(self, msg: Message) -> None:
        name = msg["name"]
        if name in self.given:
            if not site_is_subsample(msg) and _is_masked(msg):
                raise ValueError(NOT_FOLLOWED.format(name))
            msg["value"], msg["done"] = self.given[name], True
        elif name in self.parts and not msg["is_observed"]:
            make = partial(self.parts[name], name, mask=total_mask(msg))
            msg["fn"] = inside(msg["fn"], make)
        elif data := names_of_data({name: msg}):
            self.observed |= data - self.parts.keys() - self.given.keys()
        elif is_guided(msg) and name not in self.observed:
            raise ValueError(NEW.format(name))

    def _pyro_post_sample(self, msg: Message) -> None:
        if msg["name"] in self.parts:
            self.values[msg["name"]] = msg["value"]

    def run(self, model: Callable, /, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The values of the guide's sites in a run of a model.

        Args:
            model: the model.
            args: of the model.
            kwargs: of the model.
        """
        with poutine.block(hide_fn=self._hides), self:
            model(*args, **kwargs)
        return self.values

    def _hides(self, msg: Message) -> bool:
        is_of_guide = msg["name"] in self.parts and not msg["is_observed"]
        return msg["type"] != "param" and not is_of_guide


def is_guided(site: Message) -> bool:
    """Whether a guide has to have a site: latent, and not discrete.

    Args:
        site: of a trace, or a message.
    """
    if site["type"] != "sample" or site["is_observed"] or site_is_subsample(site):
        return False
    return not is_discrete(site["fn"])


def names_of_data(sites: Mapping[str, Any]) -> set[str]:
    """The names of observed sites, and of their weights, if they are relaxed counts.

    Args:
        sites: of a trace, or messages.
    """
    data = [name for name, site in sites.items() if _is_data(site)]
    return {*data, *(f"{name}_weights" for name in data)}


def is_followed(site: Message, full_sizes: dict[str, int]) -> bool:
    """Whether a model may give a site another mask, scale or option at each call.

    A scale counts if it is not that of the plates, an option if it may depend on the
    subsample of a plate or on parameters that are trained.

    Args:
        site: of a trace.
        full_sizes: of the plates, by name.
    """
    frames = [f for f in site["cond_indep_stack"] if f.size]
    plates = prod(full_sizes.get(f.name, f.size) / f.size for f in frames)
    scale = site["scale"]
    is_scaled = isinstance(scale, Tensor) or not isclose(scale, plates, rel_tol=1e-6)
    return _is_masked(site) or is_scaled or _has_options(site, in_part=plates > 1)


# A mask of True at one call may be another at the next.
def _is_masked(site: Message) -> bool:
    return site["mask"] is not None or is_masked(site["fn"])


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
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        run = poutine.block(poutine.trace(model).get_trace)(*args, **kwargs)
    latent = filter(is_guided, run.nodes.values())
    sites = [s for s in latent if s["name"] not in observed]
    check_full_sizes(sites, full_sizes)
    newly = names_of_data(run.nodes) - observed
    return bool(newly) or any(is_followed(site, full_sizes) for site in sites)


def _is_data(site: Message) -> bool:
    is_fact = site["type"] == "sample" and site["is_observed"]
    return is_fact and not site["infer"].get("_deterministic")


def _has_options(site: Message, *, in_part: bool) -> bool:
    like = innermost(site["fn"])
    options = like.options_in_use() if isinstance(like, GaussianPushforward) else {}
    tensors = [x for x in options.values() if isinstance(x, Tensor)]
    return any(x.requires_grad or (in_part and x.numel() > 1) for x in tensors)
