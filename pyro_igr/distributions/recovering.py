"""The discrete law behind a relaxed one, through the wrappers of the host."""

from collections.abc import Callable

from pyro.distributions import Distribution, MaskedDistribution, OneHotCategorical
from torch.distributions import Independent
from torch.distributions.relaxed_categorical import (
    ExpRelaxedCategorical,
    RelaxedOneHotCategorical,
)

from pyro_igr.distributions._pushforward import GaussianPushforward


def innermost(law: Distribution) -> Distribution:
    """The law inside event dimensions, masks and expansions.

    Args:
        law: any law of the host.
    """
    while isinstance(law, Independent | MaskedDistribution):
        law = law.base_dist
    return law


def recover(law: Distribution) -> Distribution | None:
    """The one-hot law that a relaxed one stands for; None if it stands for none.

    Known are the laws of this package with a discrete law, Gumbel-Softmax with its
    logarithm and its straight-through form, and a one-hot law, which is its own.
    Event dimensions, masks and expansions are kept.

    Args:
        law: any law of the host.
    """
    return inside(law, _recover)


def is_of_log(law: Distribution) -> bool:
    """Whether the value of a relaxed law is log z.

    Args:
        law: with the wrappers of the host.
    """
    law = innermost(law)
    return getattr(law, "value_is_log", isinstance(law, ExpRelaxedCategorical))


def inside(law: Distribution, change: Callable) -> Distribution | None:
    """What ``change`` makes of the innermost law, wrapped as that was.

    Args:
        law: any law of the host.
        change: of a law into another one, or into None, which is then the answer.
    """
    if not isinstance(law, Independent | MaskedDistribution):
        return change(law)
    changed = inside(law.base_dist, change)
    return None if changed is None else _wrap_alike(law, changed)


def _recover(law: Distribution) -> Distribution | None:
    if isinstance(law, GaussianPushforward):
        return law.to_discrete()
    if isinstance(law, RelaxedOneHotCategorical | ExpRelaxedCategorical):
        return OneHotCategorical(logits=law.logits, validate_args=law._validate_args)
    return law if isinstance(law, OneHotCategorical) else None


def _wrap_alike(wrapper: Distribution, law: Distribution) -> Distribution:
    if isinstance(wrapper, MaskedDistribution):
        return law.mask(wrapper._mask)
    return law.to_event(wrapper.reinterpreted_batch_ndims)
