"""What a guide has to know of the sites of its model."""

from collections.abc import Callable, Iterable, Mapping
from math import isclose, prod
from typing import Any

import torch
from pyro import poutine
from torch import Tensor
from torch.distributions import Distribution

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.recovering import innermost, is_masked
from pyro_igr.handlers._categories import is_discrete
from pyro_igr.infer.autoguide._sizes import Frames, checked_plates


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


def is_followed(sites: Iterable[Message], full_sizes: dict[str, int]) -> bool:
    """Whether a model may give sites other masks, scales or options at each call.

    A scale counts if it is not that of the plates, an option if it may depend on the
    subsample of a plate or on parameters that are trained. A flow does not: it is
    followed where it is one object, and else has no closed-form KL.

    Args:
        sites: of a run of the model, with gradients.
        full_sizes: of the plates, by name.
    """
    return any(_may_change(site, full_sizes) for site in sites)


def _may_change(site: Message, full_sizes: dict[str, int]) -> bool:
    in_part = _scale_of_plates(site, full_sizes) > 1
    return is_weighed(site, full_sizes) or _has_options(site, in_part=in_part)


def _scale_of_plates(site: Message, full_sizes: dict[str, int]) -> float:
    frames = [f for f in site["cond_indep_stack"] if f.size]
    return prod(full_sizes.get(f.name, f.size) / f.size for f in frames)


# A mask of True at one call may be another at the next.
def is_weighed(site: Message, full_sizes: dict[str, int]) -> bool:
    """Whether a site has a mask, or another scale than that of its plates.

    Args:
        site: of a trace, or a message.
        full_sizes: of the plates, by name.
    """
    scale, plates = site["scale"], _scale_of_plates(site, full_sizes)
    is_scaled = isinstance(scale, Tensor) or not isclose(scale, plates, rel_tol=1e-6)
    return is_scaled or site["mask"] is not None or is_masked(site["fn"])


@torch.enable_grad()
def inspect_call(
    model: Callable,
    full_sizes: dict[str, int],
    observed: set[str],
    /,
    *args: Any,
    **kwargs: Any,
) -> tuple[bool, Frames]:
    """Runs the model: whether to follow it, and the plates of its latent sites.

    It is followed if :func:`is_followed` holds of its sites, or if one of them has data
    that had none before.

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
    newly = names_of_data(run.nodes) - observed
    given = [run.nodes[name] for name in sorted(newly & run.nodes.keys())]
    frames = checked_plates([*sites, *given], full_sizes)
    follows = bool(newly) or is_followed(sites, full_sizes)
    return follows, frames


def _is_data(site: Message) -> bool:
    is_fact = site["type"] == "sample" and site["is_observed"]
    return is_fact and not site["infer"].get("_deterministic")


def _has_options(site: Message, *, in_part: bool) -> bool:
    like = innermost(site["fn"])
    options = like.options_in_use() if isinstance(like, GaussianPushforward) else {}
    tensors = [x for option in options.values() for x in _tensors(option)]
    return any(x.requires_grad or (in_part and x.numel() > 1) for x in tensors)


# Those of a tail are its parameters.
def _tensors(option: Any) -> list[Tensor]:
    if isinstance(option, Distribution):
        return [getattr(option, name) for name in option.arg_constraints]
    return [option] if isinstance(option, Tensor) else []
