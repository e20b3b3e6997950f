"""Which sites of a program have relaxed values."""

from collections.abc import Collection, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from numpyro.distributions import Distribution

from numpyro_igr.distributions import (
    ExpRelaxedOneHotCategorical,
    RelaxedOneHotCategoricalStraightThrough,
)
from numpyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.handlers._marks import OWN, SMOOTH

RELAXED = GaussianPushforward | OneHotWithGradient | ExpRelaxedOneHotCategorical
CATEGORY = (
    "site '{}' is relaxed, and a handler around relax observes it at a category, where "
    "it has no density: apply that handler to the model, and relax the result"
)


def relaxed_sites(
    sites: Mapping[str, dict], others: Collection[str] = ()
) -> dict[str, str]:
    """The sites with relaxed values, counts included, and the marks these start with.

    Where a program has a count that is made of weights, the count stands for them. A
    straight-through value starts as smooth, since it is a category already.

    Args:
        sites: of a trace.
        others: names of further sites whose values are relaxed, whatever their
            distributions.
    """
    found = {}
    for name, site in sites.items():
        if is_latent(site) and (name in others or _is_within(site["fn"], RELAXED)):
            mark = SMOOTH if _is_hard(site["fn"]) else OWN
            found[_count_of(name, sites)] = mark
    return found


def is_latent(site: dict) -> bool:
    """Whether a site is a sample without an observation.

    Args:
        site: of a trace.
    """
    return site["type"] == "sample" and not site["is_observed"]


def check_observed(site: dict) -> None:
    """Raises if a relaxed site is observed at categories, as numbers or as vectors.

    Args:
        site: of a program.

    Raises:
        ValueError: naming it.
    """
    if is_at_category(site) and not _is_hard(site["fn"]):
        raise ValueError(CATEGORY.format(site["name"]))


def is_at_category(site: dict) -> bool:
    """Whether a density is observed at categories, as numbers or as vectors.

    Args:
        site: of a program.
    """
    fn = site["fn"]
    has_density = _is_within(fn, RELAXED) and not _is_within(fn, OneHotWithGradient)
    return site["is_observed"] and has_density and _are_categories(site["value"])


def are_one_hot(value: ArrayLike) -> bool | None:
    """Whether all vectors are one-hot; in NumPyro None where jax traces them.

    Args:
        value: of a site.
    """
    if isinstance(value, Tracer):
        return None
    x = np.atleast_1d(value)
    return bool((x.sum(-1) == 1).all() and np.isin(x, (0, 1)).all())


def _are_categories(value: ArrayLike) -> bool:
    if isinstance(value, Tracer):
        return False
    is_floating = jnp.issubdtype(jnp.result_type(value), jnp.floating)
    return np.size(value) > 0 and (not is_floating or bool(are_one_hot(value)))


def _count_of(name: str, sites: Mapping[str, dict]) -> str:
    """The site of the count that a site of weights makes, or the site itself."""
    count = name.removesuffix("_weights")
    is_made = count in sites and sites[count]["type"] == "deterministic"
    return count if is_made else name


def _is_within(fn: Distribution, kind: Any) -> bool:
    return isinstance(innermost(fn), kind)


def _is_hard(fn: Distribution) -> bool:
    fn = innermost(fn)
    is_of_host = isinstance(fn, RelaxedOneHotCategoricalStraightThrough)
    return is_of_host or getattr(fn, "value_is_hard", False)
