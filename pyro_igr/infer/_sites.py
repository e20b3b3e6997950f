"""The one-hot sites of a guide among its others."""

from collections.abc import Mapping

from pyro.distributions import OneHotCategorical

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.distributions.recovering import innermost
from pyro_igr.handlers._relaxed_sites import is_latent

NOT_REPARAMETERIZED = (
    "expected a reparameterized distribution at site '{}' of the guide, relaxed or "
    "straight-through, got {}: relax it, or, if it is one-hot, train by "
    "TraceUnorderedSet_ELBO"
)


def is_one_hot(site: Message) -> bool:
    """Whether a site, or a message, is a latent one with a one-hot distribution."""
    return is_latent(site) and isinstance(innermost(site["fn"]), OneHotCategorical)


def one_hot_sites(trace: Mapping[str, Message]) -> dict[str, Message]:
    """The one-hot sites of a guide, by name.

    Args:
        trace: the sites of the guide.

    Raises:
        ValueError: if it has none.
    """
    found = {name: site for name, site in trace.items() if is_one_hot(site)}
    if not found:
        samples = (s for s in trace.values() if s["type"] == "sample")
        names = [s["name"] for s in samples if not site_is_subsample(s)]
        raise ValueError(
            "expected a guide with a relaxed or one-hot site, got sites "
            f"{', '.join(names) or 'none'}"
        )
    return found


def check_independent(site: Message, *, depends: bool) -> None:
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


def check_reparameterized(site: Message) -> None:
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


def check_pathwise(site: Message) -> None:
    """Raises if a site of a guide has no pathwise gradient.

    Args:
        site: of a guide, or its message.
    """
    if not site["fn"].has_rsample:
        family = type(innermost(site["fn"])).__name__
        raise ValueError(NOT_REPARAMETERIZED.format(site["name"], family))
