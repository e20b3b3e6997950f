"""How a guide follows the masks, scales and options of its model at each call."""

from collections.abc import Callable
from functools import partial
from typing import Any

from pyro import poutine
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.distributions.recovering import inside
from pyro_igr.handlers._site_weights import total_mask
from pyro_igr.infer.autoguide._followed_sites import (
    is_guided,
    is_weighed,
    names_of_data,
)

NEW = (
    "site '{}' was not in the first run of the model, from which AutoIGR knows its "
    "sites: call the guide first with arguments for which the model has all sites"
)
NOT_FOLLOWED = (
    "the model masks or scales site '{}', and the guide given as continuous cannot "
    "follow it: use the default of continuous, or write a guide of all sites that does"
)


class FollowingMessenger(Messenger):
    """Makes a run of a model one of its guide, under its masks, scales and options.

    Args:
        parts: the function of a site's name and of its distribution in the model to
            that in the guide, by the name of the site.
        given: the values of other sites and the subsamples of plates.
        full_sizes: of the plates, by name.
        observed: the names of sites that earlier runs observed, to which this run adds:
            where they are not, to predict them, they are no sites of a guide.
    """

    def __init__(
        self,
        parts: dict[str, Callable],
        given: dict[str, Tensor],
        full_sizes: dict[str, int],
        observed: set[str],
    ) -> None:
        super().__init__()
        self.parts, self.given = parts, given
        self.full_sizes, self.observed = full_sizes, observed
        self.values: dict[str, Tensor] = {}

    def _pyro_sample(self, msg: Message) -> None:
        name = msg["name"]
        if name in self.given:
            if not site_is_subsample(msg) and is_weighed(msg, self.full_sizes):
                raise ValueError(NOT_FOLLOWED.format(name))
            msg["value"], msg["done"] = self.given[name], True
        elif name in self.parts and not msg["is_observed"]:
            make = partial(self.parts[name], name, mask=total_mask(msg))
            msg["fn"] = inside(msg["fn"], make)
            msg["infer"].pop("_markov_scope", None)  # sites are independent
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
