"""The one-hot sites of a guide among its others."""

from collections.abc import Mapping

from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.handlers._relaxed_sites import is_latent

NOT_REPARAMETERIZED = (
    "expected a reparameterized distribution at site '{}' of the guide, relaxed or "
    "straight-through, got {}: relax it, or, if it is one-hot, train by "
    "TraceUnorderedSet_ELBO"
)


def is_one_hot(site: dict) -> bool:
    """Whether a site, or a message, is a latent one with a one-hot distribution."""
    return is_latent(site) and isinstance(innermost(site["fn"]), OneHotCategorical)


def one_hot_sites(trace: Mapping[str, dict]) -> dict[str, dict]:
    """The one-hot sites of a guide, by name.

    Args:
        trace: the sites of the guide.

    Raises:
        ValueError: if it has none.
    """
    found = {name: site for name, site in trace.items() if is_one_hot(site)}
    if not found:
        names = [name for name, site in trace.items() if site["type"] == "sample"]
        raise ValueError(
            "expected a guide with a relaxed or one-hot site, got sites "
            f"{', '.join(names) or 'none'}"
        )
    return found


def check_independent(site: dict, *, depends: bool) -> None:
    """Raises if a one-hot site depends on others.

    Args:
        site: of a guide.
        depends: whether its distribution depends on one-hot sites.
    """
    if depends and is_one_hot(site):
        raise ValueError(
            f"expected the distribution of the guide at site '{site['name']}' not to "
            "depend on other one-hot sites; if it does, pass replacement=True"
        )


def check_reparameterized(site: dict) -> None:
    """Raises if a latent site of a guide is neither one-hot nor has a gradient.

    Args:
        site: of a guide.
    """
    if not (site["is_observed"] or is_one_hot(site) or site["fn"].has_rsample):
        raise ValueError(
            f"expected a reparameterized distribution at site '{site['name']}' of the "
            "guide, or a relaxed or one-hot one; got "
            f"{type(innermost(site['fn'])).__name__}"
        )


def check_pathwise(site: dict) -> None:
    """Raises if a site of a guide has no pathwise gradient.

    Args:
        site: of a guide, or its message.
    """
    if not site["fn"].has_rsample:
        family = type(innermost(site["fn"])).__name__
        raise ValueError(NOT_REPARAMETERIZED.format(site["name"], family))
