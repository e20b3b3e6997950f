"""A relaxed distribution that draws as itself and counts linearly in its value."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from numpyro.distributions import Distribution

from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions._mean_log_prob import is_lacking, mean_log_prob
from numpyro_igr.distributions.expected_one_hot import ExpectedOneHotCategorical
from numpyro_igr.distributions.recovering import innermost, is_of_log
from numpyro_igr.handlers._site_weights import agreement
from numpyro_igr.infer._data_plates import MASKS
from numpyro_igr.infer._discrete_site import recover_with_gradient
from numpyro_igr.infer._guided_latents import with_guided_latents
from numpyro_igr.infer._one_hot_sites import check_relaxed
from numpyro_igr.infer._relaxed_sample import (
    CountedByDensity,
    RelaxedSampleMessenger,
    discrete_of_model,
    mask_and_sum,
)
from numpyro_igr.infer._sites import check_pathwise
from numpyro_igr.infer.discrete_iwae._dreg import (
    Paths,
    factor_of,
    scale_gradient,
)
from numpyro_igr.infer.discrete_iwae._elements import frames_of


class CountedLinearly(CountedByDensity):
    r"""Draws z from ``dist``, and counts by :math:`\sum_k z_k \log p_k`.

    The sum is over the categories that q has, as that of a KL is: relaxed values of a
    family may have a share of a category that no value tends to.

    Args:
        dist: a relaxed or one-hot distribution, with the wrappers of the host.
        discrete: the one-hot distribution p, without them.
        of_guide: the one-hot distribution q.
        factor: of the gradient of a sample, None for 1.
    """

    pytree_data_fields = ("discrete", "of_guide", "factor")

    def __init__(
        self,
        dist: Distribution,
        discrete: OneHotCategorical,
        of_guide: OneHotCategorical,
        factor: Array | None = None,
    ) -> None:
        self.discrete, self.of_guide = discrete, of_guide
        self.factor = factor
        super().__init__(dist)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        z = super().sample(key, sample_shape)
        return z if self.factor is None else scale_gradient(z, self.factor)

    def log_prob(self, value: Array, intermediates: Any = None) -> Array:
        z = jnp.exp(value) if is_of_log(self.dist) else value
        z = jnp.where(is_lacking(self.of_guide), 0.0, z)
        return mask_and_sum(self.dist, mean_log_prob(z, self.discrete))


class LinearSiteMessenger(RelaxedSampleMessenger):
    """Makes sites with a discrete distribution behind them count linearly.

    Masks and scales stay as they are. Other sites count by their densities.

    Args:
        sites: filled by a guide; a model's sites of these names are made to match.
        is_model: whether it handles the model.
        paths: where log q has no gradient but that of the sample, and how much of it.
    """

    def __init__(
        self, sites: dict[str, dict], *, is_model: bool, paths: Paths | None = None
    ) -> None:
        super().__init__(sites, is_model=is_model)
        self.paths = paths

    def _of_guide(self, msg: dict) -> Distribution:
        name, dist = msg["name"], msg["fn"]
        check_pathwise(msg)
        discrete: Any = recover_with_gradient(dist, name)
        self.sites[name] = {**msg, "discrete": discrete}
        if discrete is None:
            return dist
        q, factor, paths = innermost(discrete), None, self.paths
        is_within = paths is not None and paths.plates <= frames_of(msg)
        if paths is not None and is_within and has_noise(dist):
            q = OneHotCategorical(logits=lax.stop_gradient(q.logits))
            factor = None if paths.weights is None else factor_of(msg, paths)
        return CountedLinearly(dist, q, q, factor)

    def _of_model(self, msg: dict, guide_site: dict) -> Distribution:
        if guide_site["discrete"] is None:
            check_relaxed(guide_site, msg)
            return msg["fn"]
        of_guide = innermost(guide_site["discrete"])
        discrete = discrete_of_model(msg, guide_site)
        if agreement(guide_site, msg).get("mask") is False:
            raise ValueError(MASKS.format(msg["name"]))
        return CountedLinearly(msg["fn"], discrete, of_guide)


def count_linearly(
    model: Callable, guide: Callable, paths: Paths | None = None
) -> tuple[Callable, Callable, dict[str, dict]]:
    """A pair that counts linearly, and the latents of the guide, once it has run.

    Args:
        model: the model.
        guide: the guide.
        paths: where log q has no gradient but that of the sample, and how much of it.
    """
    model, guide = with_guided_latents(model, guide)
    sites: dict[str, dict] = {}
    guide = LinearSiteMessenger(sites, is_model=False, paths=paths)(guide)
    return LinearSiteMessenger(sites, is_model=True)(model), guide, sites


def has_noise(dist: Distribution) -> bool:
    """Whether samples differ, which those of a mean do not.

    Args:
        dist: with the wrappers of the host.
    """
    return not isinstance(innermost(dist), ExpectedOneHotCategorical)
