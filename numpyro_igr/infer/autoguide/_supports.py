"""Checks that the supports of sites do not move."""

from collections.abc import Callable, Collection
from typing import Any

import jax
from numpyro import handlers

from numpyro_igr._host import eval_provenance
from numpyro_igr.infer.autoguide._followed_sites import is_guided

DEPENDENT = (
    "the support of site '{}' depends on other latent sites or on parameters, and a "
    "mean-field guide has one support: sample it in (0, 1), say, and scale that to the "
    "support in the model, or pass a guide of that site as continuous"
)


def check_supports(
    model: Callable,
    names: Collection[str],
    sites: dict[str, dict],
    /,
    *args: Any,
    **kwargs: Any,
) -> None:
    """Raises at a site whose support moves with other latent sites.

    Runs the model again, if it has a support with bounds.

    Args:
        model: of the sites.
        names: of the sites to look at.
        sites: of a run of it, by name.
        args: of the model.
        kwargs: of the model.

    Raises:
        ValueError: naming the site.
    """
    names = [name for name in names if jax.tree.leaves(sites[name]["fn"].support)]
    if not names:
        return

    def bounds(values: dict[str, Any]) -> dict[str, list]:
        seeded = handlers.seed(handlers.substitute(model, values), 0)
        with handlers.block():
            trace = handlers.trace(seeded).get_trace(*args, **kwargs)
        return {name: jax.tree.leaves(trace[name]["fn"].support) for name in names}

    values = {n: s["value"] for n, s in sites.items() if _is_varying(s)}
    for name, sources in eval_provenance(bounds, values=values).items():
        if any(sources):
            raise ValueError(DEPENDENT.format(name))


def _is_varying(site: dict) -> bool:
    return site["type"] == "param" or is_guided(site)
