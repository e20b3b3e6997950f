"""Checks that no value is scored by a density in one place, and as a category."""

from pyro.distributions import Delta

from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions.recovering import discrete_behind, innermost
from pyro_igr.handlers._categories import is_continuous
from pyro_igr.handlers._relaxed_sites import RELAXED, are_one_hot, is_at_category
from pyro_igr.infer._sites import is_one_hot

CONTINUOUS = (
    "site '{}' is one-hot in the discrete model, and continuous in the guide, a {}: "
    "give the guide a relaxed or one-hot distribution there. AutoIGR does so where the "
    "model is one-hot or relaxed to a family of this package, but not to Gumbel-Softmax"
)
OF_WEIGHTS = (
    "for weights that a model mixes by, give the guide a distribution of the host, as "
    "AutoIGR does"
)
ONE_HOT = (
    "site '{}' is one-hot in the discrete guide, and continuous in the model, a {}: "
    + OF_WEIGHTS
)
BETWEEN = (
    "site '{}' is one-hot in the discrete model, and a value of the Delta in the guide "
    "lies between the categories, at probability 0: give the Delta one-hot vectors, or "
    "the guide a relaxed or one-hot distribution"
)
LABELS = (
    "site '{}' is observed at a category, where the density of {} is 0 or infinite: "
    "score labels by .to_discrete() of the distribution, or by recover(distribution)"
)


# A value between categories has log-probability -inf or none; a category, no density.
def check_kinds(drawn: Message, scored: Message) -> None:
    """Raises if a site is one-hot in only one of a guide and its model.

    Args:
        drawn: the site of the discrete guide.
        scored: the one of the discrete model, at the same value.
    """
    check_delta(drawn["fn"], scored)
    for site, other, message in (
        (scored, drawn, CONTINUOUS),
        (drawn, scored, ONE_HOT),
    ):
        if is_one_hot(site) and is_continuous(other["fn"]):
            name, kind = site["name"], type(innermost(other["fn"])).__name__
            raise ValueError(message.format(name, kind))


def check_drawn(drawn: Distribution, scored: Message) -> None:
    """Raises if a site is one-hot in a model, and no category is behind its guide.

    Args:
        drawn: the distribution of the guide, relaxed or not.
        scored: the site of the model, or its message.
    """
    check_delta(drawn, scored)
    found = innermost(drawn)
    is_behind = isinstance(found, RELAXED) or not is_continuous(found)
    if is_one_hot(scored) and not is_behind:
        raise ValueError(CONTINUOUS.format(scored["name"], type(found).__name__))


def check_relaxed(drawn: Message, scored: Message) -> None:
    """Raises if a site is relaxed in a model, and not in its guide.

    Args:
        drawn: the site of the guide, with no discrete distribution behind it.
        scored: the one of the model.
    """
    found = innermost(drawn["fn"])
    if discrete_behind(scored["fn"]) and not (is_one_hot(drawn) or is_one_hot(scored)):
        raise ValueError(CONTINUOUS.format(scored["name"], type(found).__name__))


def check_delta(drawn: Distribution, scored: Message) -> None:
    """Raises if a guide puts a one-hot site of the model between the categories.

    Args:
        drawn: the distribution of the guide.
        scored: the site of the model, or its message.
    """
    if lies_between(drawn, scored):
        raise ValueError(BETWEEN.format(scored["name"]))


def lies_between(drawn: Distribution, scored: Message) -> bool:
    """Whether a guide puts a one-hot site of the model between the categories.

    Args:
        drawn: the distribution of the guide.
        scored: the site of the model, or its message.
    """
    delta = innermost(drawn)
    if not (isinstance(delta, Delta) and is_one_hot(scored)):
        return False
    return not are_one_hot(delta.v)


def check_labels(site: Message) -> None:
    """Raises if a relaxed distribution, which has a density, is to score labels.

    Args:
        site: of a guide or a model, or its message.
    """
    if is_at_category(site):
        name = type(innermost(site["fn"])).__name__
        raise ValueError(LABELS.format(site["name"], name))
