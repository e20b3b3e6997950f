"""Whether options of relaxed sites depend on parameters that are trained."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import numpy as np
from jax import Array
from numpyro import handlers
from numpyro.distributions import Distribution

from numpyro_igr._host import eval_provenance
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.handlers._uses import CONCRETE


def has_trained_options(
    model: Callable,
    run: Mapping[str, dict],
    sites: Collection[dict],
    /,
    *args: Any,
    **kwargs: Any,
) -> bool:
    """Whether an option of a site may depend on a parameter.

    Runs the model again, if it has parameters and sites with such options. It may
    where jax cannot trace the parameters.

    Args:
        model: of the sites.
        run: sites and parameters of a run of it, by name.
        sites: those to look at.
        args: of the model.
        kwargs: of the model.
    """
    names = [site["name"] for site in sites if _arrays(site)]
    params = {n: site["value"] for n, site in run.items() if site["type"] == "param"}

    def options(params: dict[str, Any]) -> list[list]:
        seeded = handlers.seed(handlers.substitute(model, params), 0)
        with handlers.block():
            trace = handlers.trace(seeded).get_trace(*args, **kwargs)
        return [_arrays(trace[name]) for name in names]

    try:
        causes = eval_provenance(options, params=params) if names and params else []
    except CONCRETE:
        return True
    return any(jax.tree.leaves(causes))


def options_of(site: dict) -> dict[str, Any]:
    """The options of a relaxed site, by name; none of another.

    Args:
        site: of a trace.
    """
    like = innermost(site["fn"])
    return like.options_in_use() if isinstance(like, GaussianPushforward) else {}


def _arrays(site: dict) -> list[Any]:
    kinds, options = Array | np.ndarray | Distribution, options_of(site).values()
    return jax.tree.leaves([x for x in options if isinstance(x, kinds)])
