"""How a guide follows the masks and scales that its model sets at each call."""

from collections.abc import Callable, Hashable
from functools import partial
from math import isclose, prod
from typing import Any

import torch
from pyro import poutine
from pyro.distributions import MaskedDistribution
from pyro.poutine.messenger import Messenger
from torch import Tensor
from torch.distributions import Independent

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.recovering import innermost, inside
from pyro_igr.handlers._categories import is_discrete
from pyro_igr.handlers._site_weights import total_mask

NEW = (
    "site '{}' was not in the first run of the model, from which AutoIGR knows its "
    "sites: call the guide first with arguments for which the model has all sites"
)
NOT_FOLLOWED = (
    "the model masks or scales site '{}', and the guide given as continuous cannot "
    "follow it: use the default of continuous, or mask the site alike in that guide"
)
# A longer list is data, and each of its batches would be of a kind of its own.
LONGEST = 20


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
        elif name in self.parts:
            make = partial(self.parts[name], name, mask=total_mask(msg))
            msg["fn"] = inside(msg["fn"], make)
        elif msg["is_observed"]:
            self.observed.add(name)
        elif is_guided(msg) and name not in self.observed:
            raise ValueError(NEW.format(name))

    def _pyro_post_sample(self, msg: Message) -> None:
        if msg["name"] in self.parts:
            self.values[msg["name"]] = msg["value"]

    def run(self, model: Callable, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
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
        return msg["type"] != "param" and msg["name"] not in self.parts


def is_guided(site: Message) -> bool:
    """Whether a guide has to have a site: latent, and not discrete.

    Args:
        site: of a trace, or a message.
    """
    if site["type"] != "sample" or site["is_observed"] or site_is_subsample(site):
        return False
    return not is_discrete(site["fn"])


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
    distribution = site["fn"]
    while isinstance(distribution, Independent):
        distribution = distribution.base_dist
    return site["mask"] is not None or isinstance(distribution, MaskedDistribution)


def any_followed(
    model: Callable, full_sizes: dict[str, int], *args: Any, **kwargs: Any
) -> bool:
    """Whether :func:`is_followed` holds at any site of a new run of a model.

    Args:
        model: a model.
        full_sizes: of the plates, by name.
        args: of the model.
        kwargs: of the model.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        run = poutine.block(poutine.trace(model).get_trace)(*args, **kwargs)
    sites = filter(is_guided, run.nodes.values())
    return any(is_followed(site, full_sizes) for site in sites)


def kind_of(*args: Any, **kwargs: Any) -> Hashable:
    """What may tell calls of a model with other masks apart: types, shapes and flags.

    Those in dictionaries and in short lists and tuples count as well, but for strings
    in lists, which are names of data. Integers count where the host keeps no mask that
    is Python's True.

    Args:
        args: of the model.
        kwargs: of the model.
    """
    return *map(_kind_of, args), _kind_of(kwargs)


def _kind_of(x: Any) -> Hashable:
    if isinstance(x, dict):
        return type(x), *((name, _kind_of(value)) for name, value in x.items())
    if isinstance(x, list | tuple):
        short = x if len(x) <= LONGEST else ()
        return type(x), *(str if isinstance(y, str) else _kind_of(y) for y in short)
    return type(x), getattr(x, "shape", None), x if isinstance(x, bool | str) else None


def _has_options(site: Message, *, in_part: bool) -> bool:
    like = innermost(site["fn"])
    options = like.options_in_use() if isinstance(like, GaussianPushforward) else {}
    tensors = [x for x in options.values() if isinstance(x, Tensor)]
    return any(x.requires_grad or (in_part and x.numel() > 1) for x in tensors)
