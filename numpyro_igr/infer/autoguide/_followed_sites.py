"""What a guide has to know of the sites of its model."""

from collections.abc import Callable, Collection, Mapping
from math import isclose, prod
from typing import Any

import jax
import jax.numpy as jnp
from numpyro import handlers

from numpyro_igr.distributions.recovering import is_masked
from numpyro_igr.handlers._categories import is_discrete
from numpyro_igr.infer.autoguide._sizes import Frames, checked_plates, plate_sizes
from numpyro_igr.infer.autoguide._trained_options import has_trained_options, options_of


def is_guided(site: dict) -> bool:
    """Whether a guide has to have a site: latent, and not discrete.

    Args:
        site: of a trace, or a message.
    """
    is_latent = site["type"] == "sample" and not site["is_observed"]
    return is_latent and not is_discrete(site["fn"])


def is_hidden(site: dict, exposed: Collection[str]) -> bool:
    """Whether a part of a guide lacks a site, which other parts may have.

    Args:
        site: a message.
        exposed: the names of the latent sites that it has.
    """
    is_latent = site["type"] == "sample" and not site["is_observed"]
    return site["name"] not in exposed if is_latent else site["type"] == "deterministic"


def names_of_data(sites: Mapping[str, dict]) -> set[str]:
    """The names of observed sites, and of their weights, if they are relaxed counts.

    Args:
        sites: of a trace, or messages.
    """
    data = [name for name, site in sites.items() if _is_data(site)]
    return {*data, *(f"{name}_weights" for name in data)}


def is_followed(
    model: Callable,
    run: Mapping[str, dict],
    full_sizes: dict[str, int],
    /,
    *args: Any,
    **kwargs: Any,
) -> bool:
    """Whether a model may give sites other masks, scales or options at each call.

    A scale counts if it is not that of the plates, an option if it may depend on the
    subsample of a plate or on parameters that are trained. A flow does not: it is
    followed where it is one object, and else has no closed-form KL.

    Args:
        model: of the sites.
        run: sites and parameters of a run of it, by name.
        full_sizes: of the plates, by name.
        args: of the model.
        kwargs: of the model.
    """
    sites = [site for site in run.values() if is_guided(site)]
    followed = any(_may_change(site, full_sizes) for site in sites)
    return followed or has_trained_options(model, run, sites, *args, **kwargs)


def _may_change(site: dict, full_sizes: dict[str, int]) -> bool:
    in_part = _scale_of_plates(site, full_sizes) > 1
    return is_weighed(site, full_sizes) or _has_options(site, in_part=in_part)


def _scale_of_plates(site: dict, full_sizes: dict[str, int]) -> float:
    frames = [f for f in site["cond_indep_stack"] if f.size]
    return prod(full_sizes.get(f.name, f.size) / f.size for f in frames)


# A mask of True at one call may be another at the next.
def is_weighed(site: dict, full_sizes: dict[str, int]) -> bool:
    """Whether a site has a mask, or another scale than that of its plates.

    Args:
        site: of a trace, or a message.
        full_sizes: of the plates, by name.
    """
    scale, plates = site["scale"], _scale_of_plates(site, full_sizes)
    scale = 1.0 if scale is None else scale
    is_scaled = not isinstance(scale, float) or not isclose(scale, plates)
    return is_scaled or is_masked(site["fn"])


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
    with handlers.block():
        run = handlers.trace(handlers.seed(model, 0)).get_trace(*args, **kwargs)
    newly = names_of_data(run) - observed
    run = {name: site for name, site in run.items() if name not in observed}
    sites = [s for n, s in run.items() if n in newly or is_guided(s)]
    frames = checked_plates(sites, plate_sizes(run), full_sizes)
    follows = bool(newly) or is_followed(model, run, full_sizes, *args, **kwargs)
    return follows, frames


def _is_data(site: dict) -> bool:
    return site["type"] == "sample" and site["is_observed"]


def _has_options(site: dict, *, in_part: bool) -> bool:
    options = jax.tree.leaves(options_of(site))
    return in_part and any(jnp.size(x) > 1 for x in options)
