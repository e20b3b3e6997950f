"""The discrete distribution behind a relaxed one, through the host's wrappers."""

from collections.abc import Callable
from typing import Any, cast

from jax import Array
from numpyro.distributions import (
    Distribution,
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
)

from numpyro_igr._host import is_validated, mask_of
from numpyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.expected_one_hot import ExpectedOneHotCategorical
from numpyro_igr.distributions.one_hot import OneHotCategorical
from numpyro_igr.distributions.relaxed_one_hot import ExpRelaxedOneHotCategorical

_Wrapper = Independent | MaskedDistribution | ExpandedDistribution


def innermost(dist: Distribution) -> Any:
    """The distribution inside event dimensions, masks and expansions.

    Args:
        dist: any distribution of the host.
    """
    while isinstance(dist, _Wrapper):
        dist = dist.base_dist
    return dist


def is_masked(dist: Distribution) -> bool:
    """Whether there is a mask around a distribution.

    Args:
        dist: any distribution of the host.
    """
    while isinstance(dist, _Wrapper) and not isinstance(dist, MaskedDistribution):
        dist = dist.base_dist
    return isinstance(dist, MaskedDistribution)


def recover(distribution: Distribution) -> Distribution:
    """The one-hot distribution that a relaxed one stands for.

    It is known for all families of :class:`GaussianPushforward` (for :class:`IGRFlow`
    by counting samples, for the others by computation), for Gumbel-Softmax, its
    logarithm and its straight-through form, for :class:`ExpectedOneHotCategorical`,
    :class:`OneHotCategoricalReinMax` and :class:`RaoBlackwellized`, and for a one-hot
    distribution, which is returned. Event dimensions, masks and expansions are kept.

    Shape:
        batch and event as those of ``distribution``.

    Args:
        distribution: relaxed or one-hot, in any wrappers of the host.

    Raises:
        ValueError: if it stands for no one-hot distribution.

    Source:
        IGR (Potapczynski et al., 2020), proposition 2, for the family.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import IGRStickBreaking, recover
        >>> q = IGRStickBreaking.from_probs(0.5, jnp.array([0.2, 0.3, 0.5]))
        >>> print(", ".join(f"{p:.2f}" for p in recover(q.to_event(0)).probs))
        0.20, 0.30, 0.50
    """
    found = discrete_behind(distribution)
    if found is None:
        raise ValueError(
            "expected a relaxed or a one-hot distribution, got "
            f"{type(innermost(distribution)).__name__}"
        )
    return found


def discrete_behind(distribution: Distribution) -> Distribution | None:
    """As :func:`recover`, but None where that raises.

    Args:
        distribution: any distribution of the host.
    """
    return inside(distribution, _recover)


def is_of_log(dist: Distribution) -> bool:
    """Whether the value of a relaxed distribution is log z.

    Args:
        dist: with the wrappers of the host.
    """
    dist = innermost(dist)
    return getattr(dist, "value_is_log", False)


def is_plain_one_hot(dist: Distribution) -> bool:
    """Whether a distribution is one-hot, without samples that have a gradient.

    Args:
        dist: with the wrappers of the host.
    """
    dist = innermost(dist)
    return isinstance(dist, OneHotCategorical) and not dist.has_rsample


def inside(dist: Distribution, change: Callable) -> Distribution | None:
    """What ``change`` makes of the innermost distribution, wrapped as that was.

    Args:
        dist: any distribution of the host.
        change: of a distribution into another one, or into None, which is then the
            answer.
    """
    if not isinstance(dist, _Wrapper):
        return change(dist)
    changed = inside(dist.base_dist, change)
    return None if changed is None else _wrap_alike(dist, changed)


def _recover(dist: Distribution) -> Distribution | None:
    if isinstance(dist, GaussianPushforward | ExpRelaxedOneHotCategorical):
        return dist.to_discrete()
    if isinstance(dist, OneHotWithGradient):
        return dist.to_discrete()
    if isinstance(dist, ExpectedOneHotCategorical):
        return OneHotCategorical(logits=dist.logits, validate_args=is_validated(dist))
    return dist if isinstance(dist, OneHotCategorical) else None


def _wrap_alike(wrapper: _Wrapper, dist: Distribution) -> Distribution:
    if isinstance(wrapper, MaskedDistribution):
        return dist.mask(cast(Array, mask_of(wrapper)))
    if isinstance(wrapper, ExpandedDistribution):
        return dist.expand(wrapper.batch_shape)
    return dist.to_event(wrapper.reinterpreted_batch_ndims)
