"""A warning of guides whose scale is learned, where only loc / scale counts."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from jax import Array
from numpyro.handlers import block, substitute, trace

from numpyro_igr._host import eval_provenance
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.rao_blackwell import behind
from numpyro_igr.distributions.recovering import innermost

FREE_SCALE = (
    "The scale of the guide at site '{}' is learned: with the KL of the discrete "
    "distributions loc and scale can shrink together, which leaves samples without "
    "noise and a useless discrete model. Fix the scale, or bound it from below "
    "and filter this warning, which cannot see the bound."
)


def warn_of_free_scale(guide: Callable, params: dict[str, Any]) -> bool:
    """Whether it has warned of a site of a guide with a scale that is learned.

    Args:
        guide: with its chance, called without arguments.
        params: by name.
    """
    causes = eval_provenance(partial(_scales, guide), **params)
    for name, parameters in causes.items():
        if parameters:
            warnings.warn(FREE_SCALE.format(name), stacklevel=3)
            return True
    return False


def _scales(guide: Callable, /, **params: Any) -> dict[str, Array]:
    with block():
        sites = trace(substitute(guide, data=params)).get_trace()
    dists = {
        name: behind(innermost(site["fn"]))
        for name, site in sites.items()
        if site["type"] == "sample"
    }
    return {
        name: dist.scale
        for name, dist in dists.items()
        if isinstance(dist, GaussianPushforward)
    }
