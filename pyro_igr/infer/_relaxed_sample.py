"""A relaxed distribution that draws as itself and counts by its discrete one."""

from typing import Any, ClassVar

from pyro.distributions import (
    Delta,
    MaskedDistribution,
    OneHotCategorical,
    TorchDistribution,
)
from pyro.poutine.messenger import Messenger
from torch import Size, Tensor
from torch.distributions import Independent, constraints

from pyro_igr._host import mask_of, scale_and_mask, site_is_subsample, sum_rightmost
from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions.recovering import innermost, is_plain_one_hot
from pyro_igr.handlers._site_weights import agreement, total_mask
from pyro_igr.infer._cross_entropy import cross_entropy
from pyro_igr.infer._discrete_site import (
    check_discrete,
    check_same_value,
    recover_with_gradient,
)
from pyro_igr.infer._one_hot_sites import check_relaxed
from pyro_igr.infer._sites import check_pathwise

ONE_SIDED_MASK = (
    "site '{}' has a mask in the {} only, so that only its entropy or only its prior "
    "would count: use the same mask in model and guide"
)


class CountedByDensity(TorchDistribution):
    """Draws from ``dist``, and counts by its density even where the host knows a KL.

    Args:
        dist: a distribution, with the wrappers of the host.
        expected: what it counts for, whatever its value; its own density if None.
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}

    def __init__(self, dist: Distribution, expected: Tensor | None = None) -> None:
        self.dist, self.expected = dist, expected
        super().__init__(dist.batch_shape, dist.event_shape, validate_args=False)

    def expand(self, batch_shape: Size, _instance: object = None) -> "CountedByDensity":
        expected = self.expected
        if expected is not None:
            expected = expected.expand(batch_shape)
        return CountedByDensity(self.dist.expand(batch_shape), expected)

    @property
    def has_rsample(self) -> bool:
        return self.dist.has_rsample

    @property
    def support(self) -> constraints.Constraint:
        return self.dist.support

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        return self.dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self.expected is None:
            return self.dist.log_prob(value)
        shape = value.shape[: value.dim() - self.event_dim]
        return self.expected.expand(broadcast_shapes(shape, self.expected.shape))


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

    def __init__(self, sites: dict[str, Message], *, is_model: bool) -> None:
        super().__init__()
        self.sites, self.is_model = sites, is_model

    def _pyro_sample(self, msg: Message) -> None:
        if msg["is_observed"] or site_is_subsample(msg):
            return
        if not self.is_model:
            msg["fn"] = self._of_guide(msg)
        elif msg["name"] in self.sites:
            msg["fn"] = self._of_model(msg, self.sites[msg["name"]])

    def _pyro_post_sample(self, msg: Message) -> None:
        if not self.is_model and msg["name"] in self.sites:
            self.sites[msg["name"]]["value"] = msg["value"]

    def _of_guide(self, msg: Message) -> Distribution:
        check_pathwise(msg)
        name, dist, discrete = msg["name"], msg["fn"], None
        if not is_plain_one_hot(dist):
            discrete = recover_with_gradient(dist, name)
        self.sites[name] = {**msg, "discrete": discrete}
        if discrete is None:
            is_delta = isinstance(innermost(dist), Delta)
            return CountedByDensity(dist) if is_delta else dist
        negentropy = -innermost(discrete).entropy()
        return _counted(dist, negentropy.expand(_shape_of_variables(dist)))

    def _of_model(self, msg: Message, guide_site: Message) -> Distribution:
        dist = msg["fn"]
        if guide_site["discrete"] is None:
            check_relaxed(guide_site, msg)
            alike = all(same is True for same in agreement(guide_site, msg).values())
            return dist if alike else CountedByDensity(dist)
        q, p = innermost(guide_site["discrete"]), discrete_of_model(msg, guide_site)
        shapes = map(_shape_of_variables, (guide_site["fn"], dist))
        expected = -cross_entropy(q, p)
        return _counted(dist, expected.expand(broadcast_shapes(*shapes)))


def discrete_of_model(model_site: Message, guide_site: Message) -> OneHotCategorical:
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


def _check_masks(name: str, guide_site: Message, model_site: Message) -> None:
    in_guide, in_model = (total_mask(x) is not True for x in (guide_site, model_site))
    if in_guide != in_model:
        where = "guide" if in_guide else "model"
        raise ValueError(ONE_SIDED_MASK.format(name, where))


def _shape_of_variables(dist: Distribution) -> Size:
    return dist.batch_shape + dist.event_shape[:-1]


def _counted(dist: Distribution, terms: Tensor) -> CountedByDensity:
    return CountedByDensity(dist, mask_and_sum(dist, terms))


def mask_and_sum(dist: Distribution, terms: Tensor) -> Tensor:
    """Terms of single variables, masked and summed by the wrappers of a distribution.

    Args:
        dist: with the wrappers of the host.
        terms: of the variables of a batch of its innermost distribution.
    """
    if isinstance(dist, MaskedDistribution):
        return scale_and_mask(mask_and_sum(dist.base_dist, terms), mask=mask_of(dist))
    if isinstance(dist, Independent):
        size = dist.reinterpreted_batch_ndims
        return sum_rightmost(mask_and_sum(dist.base_dist, terms), size)
    return terms
