"""A relaxed law that draws as itself and counts by its discrete law."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import (
    Delta,
    Distribution,
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
    constraints,
)

from numpyro_igr._host import Messenger, mask_of, scale_and_mask, sum_rightmost
from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.handlers._site_weights import agreement, total_mask
from numpyro_igr.infer._cross_entropy import cross_entropy
from numpyro_igr.infer._discrete_site import (
    check_discrete,
    check_same_value,
    recover_with_gradient,
)

ONE_SIDED_MASK = (
    "site '{}' has a mask in the {} only, so that its entropy or its prior would be "
    "counted alone: put the same mask on it in model and guide"
)


class CountedByDensity(Distribution):
    """Draws from ``law``, and counts by a log-density even where the host knows a KL.

    Args:
        law: a law, with the wrappers of the host.
        expected: what it counts for, whatever its value; its own density if None.
    """

    pytree_data_fields = ("law", "expected")

    def __init__(self, law: Distribution, expected: Array | None = None) -> None:
        self.law, self.expected = law, expected
        super().__init__(law.batch_shape, law.event_shape, validate_args=False)

    @property
    def has_rsample(self) -> bool:
        return self.law.has_rsample

    @property
    def support(self) -> constraints.Constraint:
        return self.law.support

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        return self.law.sample(key, sample_shape)

    def log_prob(self, value: Array, intermediates: Any = None) -> Array:
        return self.law.log_prob(value) if self.expected is None else self.expected


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
        name, law, discrete = msg["name"], msg["fn"], None
        if not isinstance(innermost(law), OneHotCategorical):
            discrete = recover_with_gradient(law, name)
        self.sites[name] = {**msg, "discrete": discrete}
        if discrete is None:
            is_delta = isinstance(innermost(law), Delta)
            return CountedByDensity(law) if is_delta else law
        negentropy = -innermost(discrete).entropy()
        return _counted(law, jnp.broadcast_to(negentropy, _shape_of_variables(law)))

    def _of_model(self, msg: dict, guide_site: dict) -> Distribution:
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
        shape = jnp.broadcast_shapes(*shapes)
        return _counted(law, jnp.broadcast_to(expected, shape))


def _check_masks(name: str, guide_site: dict, model_site: dict) -> None:
    in_guide, in_model = (total_mask(x) is not True for x in (guide_site, model_site))
    if in_guide != in_model:
        where = "guide" if in_guide else "model"
        raise ValueError(ONE_SIDED_MASK.format(name, where))


def _shape_of_variables(law: Distribution) -> tuple[int, ...]:
    return law.batch_shape + law.event_shape[:-1]


def _counted(law: Distribution, terms: Array) -> CountedByDensity:
    return CountedByDensity(law, _wrapped(law, terms))


def _wrapped(law: Distribution, terms: Array) -> Array:
    """Terms of the variables inside a law, masked and summed by its wrappers."""
    if isinstance(law, MaskedDistribution):
        return scale_and_mask(_wrapped(law.base_dist, terms), mask=mask_of(law))
    if isinstance(law, ExpandedDistribution):
        return _wrapped(law.base_dist, terms)
    if isinstance(law, Independent):
        size = law.reinterpreted_batch_ndims
        return sum_rightmost(_wrapped(law.base_dist, terms), size)
    return terms
