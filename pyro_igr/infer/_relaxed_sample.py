"""A relaxed law that draws as itself and counts by its discrete law."""

import torch
from pyro.distributions import (
    Delta,
    Distribution,
    MaskedDistribution,
    OneHotCategorical,
    TorchDistribution,
)
from pyro.poutine.messenger import Messenger
from torch import Size, Tensor
from torch.distributions import Independent, constraints

from pyro_igr._host import (
    Message,
    mask_of,
    scale_and_mask,
    site_is_subsample,
    sum_rightmost,
)
from pyro_igr.distributions.recovering import innermost
from pyro_igr.handlers._site_weights import agreement, total_mask
from pyro_igr.infer._cross_entropy import cross_entropy
from pyro_igr.infer._discrete_site import (
    check_discrete,
    check_same_value,
    recover_with_gradient,
)

ONE_SIDED_MASK = (
    "site '{}' has a mask in the {} only, so that its entropy or its prior would be "
    "counted alone: put the same mask on it in model and guide"
)


class CountedByDensity(TorchDistribution):
    """Draws from ``law``, and counts by a log-density even where the host knows a KL.

    Args:
        law: a law, with the wrappers of the host.
        expected: what it counts for, whatever its value; its own density if None.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, law: Distribution, expected: Tensor | None = None) -> None:
        self.law, self.expected = law, expected
        super().__init__(law.batch_shape, law.event_shape, validate_args=False)

    def expand(self, batch_shape: Size, _instance: object = None) -> "CountedByDensity":
        expected = self.expected
        if expected is not None:
            expected = expected.expand(batch_shape)
        return CountedByDensity(self.law.expand(batch_shape), expected)

    @property
    def has_rsample(self) -> bool:
        return self.law.has_rsample

    @property
    def support(self) -> constraints.Constraint:
        return self.law.support

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        return self.law.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self.expected is None:
            return self.law.log_prob(value)
        shape = value.shape[: value.dim() - self.event_dim]
        return self.expected.expand(torch.broadcast_shapes(shape, self.expected.shape))


class RelaxedSampleMessenger(Messenger):
    r"""Makes relaxed sites count by :math:`E_q \log q` and :math:`E_q \log p`.

    The expectations are those of the discrete laws, in the wrappers that each has, so
    that the host scales and masks the terms of guide and model as it does their
    densities. Other sites keep the host's KL where guide and model weigh them alike;
    elsewhere, and at a Delta, which may have a density, they count by densities.

    Args:
        sites: filled by a guide; a model's sites of these names are made to match.
        is_model: whether it handles the model.
    """

    def __init__(self, sites: dict[str, dict], *, is_model: bool) -> None:
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
        name, law, discrete = msg["name"], msg["fn"], None
        if not isinstance(innermost(law), OneHotCategorical):
            discrete = recover_with_gradient(law, name)
        self.sites[name] = {**msg, "discrete": discrete}
        if discrete is None:
            is_delta = isinstance(innermost(law), Delta)
            return CountedByDensity(law) if is_delta else law
        negentropy = -innermost(discrete).entropy()
        return _counted(law, negentropy.expand(_shape_of_variables(law)))

    def _of_model(self, msg: Message, guide_site: dict) -> Distribution:
        name, law = msg["name"], msg["fn"]
        agrees = agreement(guide_site, msg)
        if guide_site["discrete"] is None:
            alike = all(same is True for same in agrees.values())
            return law if alike else CountedByDensity(law)
        discrete = recover_with_gradient(law, name)
        size = guide_site["fn"].event_shape[-1]
        check_discrete(discrete, law, name, num_categories=size)
        check_same_value(guide_site["fn"], law, name)
        if agrees.get("mask", True) is not True:
            _check_masks(name, guide_site, msg)
        q, p = innermost(guide_site["discrete"]), innermost(discrete)
        shapes = map(_shape_of_variables, (guide_site["fn"], law))
        expected = -cross_entropy(q, p)
        return _counted(law, expected.expand(torch.broadcast_shapes(*shapes)))


def _check_masks(name: str, guide_site: dict, model_site: dict) -> None:
    in_guide, in_model = (total_mask(x) is not True for x in (guide_site, model_site))
    if in_guide != in_model:
        where = "guide" if in_guide else "model"
        raise ValueError(ONE_SIDED_MASK.format(name, where))


def _shape_of_variables(law: Distribution) -> Size:
    return law.batch_shape + law.event_shape[:-1]


def _counted(law: Distribution, terms: Tensor) -> CountedByDensity:
    return CountedByDensity(law, _wrapped(law, terms))


def _wrapped(law: Distribution, terms: Tensor) -> Tensor:
    """Terms of the variables inside a law, masked and summed by its wrappers."""
    if isinstance(law, MaskedDistribution):
        return scale_and_mask(_wrapped(law.base_dist, terms), mask=mask_of(law))
    if isinstance(law, Independent):
        size = law.reinterpreted_batch_ndims
        return sum_rightmost(_wrapped(law.base_dist, terms), size)
    return terms
