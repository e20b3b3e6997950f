"""A relaxed distribution that draws as itself and counts by its discrete one."""

from typing import Any, cast

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import (
    Delta,
    Distribution,
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
)

from numpyro_igr._host import Messenger, mask_of, scale_and_mask, sum_rightmost
from numpyro_igr._typed import Constraint
from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions.recovering import innermost, is_plain_one_hot
from numpyro_igr.handlers._site_weights import agreement, total_mask
from numpyro_igr.infer._cross_entropy import cross_entropy
from numpyro_igr.infer._discrete_site import (
    check_discrete,
    check_same_value,
    recover_with_gradient,
)
from numpyro_igr.infer._one_hot_sites import check_relaxed
from numpyro_igr.infer._sites import check_pathwise

ONE_SIDED_MASK = (
    "site '{}' has a mask in the {} only, so that only its entropy or only its prior "
    "would count: use the same mask in model and guide"
)


class CountedByDensity(Distribution):
    """Draws from ``dist``, and counts by its density even where the host knows a KL.

    Args:
        dist: a distribution, with the wrappers of the host.
        expected: what it counts for, whatever its value; its own density if None.
    """

    pytree_data_fields = ("dist", "expected")

    def __init__(self, dist: Distribution, expected: Array | None = None) -> None:
        self.dist, self.expected = dist, expected
        super().__init__(dist.batch_shape, dist.event_shape, validate_args=False)

    @property
    def has_rsample(self) -> bool:
        return self.dist.has_rsample

    @property
    def support(self) -> Constraint:
        return cast(Constraint, self.dist.support)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        return cast(Array, self.dist.sample(key, sample_shape))

    def log_prob(self, value: Array, intermediates: Any = None) -> Array:
        if self.expected is None:
            return cast(Array, self.dist.log_prob(value))
        return self.expected


class RelaxedSampleMessenger(Messenger):
    r"""Makes relaxed sites count by :math:`E_q \log q` and :math:`E_q \log p`.

    The expectations are those of the discrete distributions, in the wrappers that each
    has, so that the host scales and masks the terms of guide and model as it does their
    densities. Other sites keep the host's KL where guide and model weigh them alike;
    elsewhere, and at a Delta, which may have a density, they count by densities.

    Args:
        sites: filled by a guide; a model's sites of these names are made to match.
        is_model: whether it handles the model.
    """

    def __init__(self, sites: dict[str, dict], *, is_model: bool) -> None:
        super().__init__()
        self.sites, self.is_model = sites, is_model

    def process_message(self, msg: dict) -> None:
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        if not self.is_model:
            msg["fn"] = self._of_guide(msg)
        elif msg["name"] in self.sites:
            msg["fn"] = self._of_model(msg, self.sites[msg["name"]])

    def postprocess_message(self, msg: dict) -> None:
        if msg["type"] != "sample" or self.is_model:
            return
        if msg["name"] in self.sites:
            self.sites[msg["name"]]["value"] = msg["value"]

    def _of_guide(self, msg: dict) -> Distribution:
        check_pathwise(msg)
        name, dist, discrete = msg["name"], msg["fn"], None
        if not is_plain_one_hot(dist):
            discrete = recover_with_gradient(dist, name)
        self.sites[name] = {**msg, "discrete": discrete}
        if discrete is None:
            is_delta = isinstance(innermost(dist), Delta)
            return CountedByDensity(dist) if is_delta else dist
        negentropy = -innermost(discrete).entropy()
        return _counted(dist, jnp.broadcast_to(negentropy, _shape_of_variables(dist)))

    def _of_model(self, msg: dict, guide_site: dict) -> Distribution:
        dist = msg["fn"]
        if guide_site["discrete"] is None:
            check_relaxed(guide_site, msg)
            alike = all(same is True for same in agreement(guide_site, msg).values())
            return dist if alike else CountedByDensity(dist)
        q, p = innermost(guide_site["discrete"]), discrete_of_model(msg, guide_site)
        shapes = map(_shape_of_variables, (guide_site["fn"], dist))
        expected = -cross_entropy(q, p)
        shape = jnp.broadcast_shapes(*shapes)
        return _counted(dist, jnp.broadcast_to(expected, shape))


def discrete_of_model(model_site: dict, guide_site: dict) -> OneHotCategorical:
    """The discrete distribution behind that of a model, alike to that of the guide.

    Args:
        model_site: the site of the model, or its message.
        guide_site: the one of the guide, which has a discrete distribution behind it.

    Raises:
        ValueError: at another number of categories, another form of the value, or a
            mask in one of both only.
    """
    name, dist = model_site["name"], model_site["fn"]
    discrete: Any = recover_with_gradient(dist, name)
    size = guide_site["fn"].event_shape[-1]
    check_discrete(discrete, dist, name, num_categories=size)
    check_same_value(guide_site["fn"], dist, name)
    if agreement(guide_site, model_site).get("mask", True) is not True:
        _check_masks(name, guide_site, model_site)
    return innermost(discrete)


def _check_masks(name: str, guide_site: dict, model_site: dict) -> None:
    in_guide, in_model = (total_mask(x) is not True for x in (guide_site, model_site))
    if in_guide != in_model:
        where = "guide" if in_guide else "model"
        raise ValueError(ONE_SIDED_MASK.format(name, where))


def _shape_of_variables(dist: Distribution) -> tuple[int, ...]:
    return dist.batch_shape + dist.event_shape[:-1]


def _counted(dist: Distribution, terms: Array) -> CountedByDensity:
    return CountedByDensity(dist, mask_and_sum(dist, terms))


def mask_and_sum(dist: Distribution, terms: Array) -> Array:
    """Terms of single variables, masked and summed by the wrappers of a distribution.

    Args:
        dist: with the wrappers of the host.
        terms: of the variables of a batch of its innermost distribution.
    """
    if isinstance(dist, MaskedDistribution):
        return scale_and_mask(mask_and_sum(dist.base_dist, terms), mask=mask_of(dist))
    if isinstance(dist, ExpandedDistribution):
        return mask_and_sum(dist.base_dist, terms)
    if isinstance(dist, Independent):
        size = dist.reinterpreted_batch_ndims
        return sum_rightmost(mask_and_sum(dist.base_dist, terms), size)
    return terms
