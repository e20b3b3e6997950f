"""Which sites of a program have relaxed values."""

from collections.abc import Collection, Mapping
from typing import Any

from pyro.distributions import (
    Delta,
    RelaxedOneHotCategoricalStraightThrough,
    constraints,
)
from torch.distributions.relaxed_categorical import (
    ExpRelaxedCategorical,
    RelaxedOneHotCategorical,
)

from pyro_igr._host import is_all_true
from pyro_igr._numerics.tensors import as_tensor
from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.recovering import innermost
from pyro_igr.handlers._marks import OWN, SMOOTH

RELAXED = (
    GaussianPushforward
    | OneHotWithGradient
    | ExpRelaxedCategorical
    | RelaxedOneHotCategorical
)
CATEGORY = (
    "site '{}' is relaxed, and a handler around relax observes it at a category, where "
    "it has no density: apply that handler to the model, and relax the result"
)


def relaxed_sites(
    sites: Mapping[str, Any], others: Collection[str] = ()
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


def is_latent(site: Message) -> bool:
    """Whether a site is a sample without an observation.

    Args:
        site: of a trace.
    """
    return site["type"] == "sample" and not site["is_observed"]


def check_observed(site: Message) -> None:
    """Raises if a relaxed site is observed at categories, as numbers or as vectors.

    Args:
        site: of a program.

    Raises:
        ValueError: naming it.
    """
    if is_at_category(site) and not _is_hard(site["fn"]):
        raise ValueError(CATEGORY.format(site["name"]))


def is_at_category(site: Message) -> bool:
    """Whether a density is observed at categories, as numbers or as vectors.

    Args:
        site: of a program.
    """
    fn = site["fn"]
    has_density = _is_within(fn, RELAXED) and not _is_within(fn, OneHotWithGradient)
    return site["is_observed"] and has_density and _are_categories(site["value"])


def are_one_hot(value: Any) -> bool:
    """Whether all vectors are one-hot; in NumPyro None where jax traces them.

    Args:
        value: of a site.
    """
    return bool(is_all_true(constraints.one_hot.check(as_tensor(value))))


def _are_categories(value: Any) -> bool:
    x = as_tensor(value)
    return x.numel() > 0 and (not x.is_floating_point() or are_one_hot(x))


def _count_of(name: str, sites: Mapping[str, Any]) -> str:
    """The site of the count that a site of weights makes, or the site itself."""
    count = name.removesuffix("_weights")
    is_made = count in sites and isinstance(innermost(sites[count]["fn"]), Delta)
    return count if is_made else name


def _is_within(fn: Distribution, kind: Any) -> bool:
    return isinstance(innermost(fn), kind)


def _is_hard(fn: Distribution) -> bool:
    fn = innermost(fn)
    is_of_host = isinstance(fn, RelaxedOneHotCategoricalStraightThrough)
    return is_of_host or getattr(fn, "value_is_hard", False)
