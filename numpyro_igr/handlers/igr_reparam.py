"""A reparameterizer that relaxes one discrete site, for the host's ``reparam``."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import (
    CategoricalLogits,
    CategoricalProbs,
    Distribution,
    MultinomialLogits,
    MultinomialProbs,
)
from numpyro.infer.reparam import Reparam
from numpyro.util import not_jax_tracer

from numpyro_igr.distributions import IGRStickBreaking, InfiniteIGR, OneHotCategorical
from numpyro_igr.distributions.recover import innermost, inside

INTEGERS = (
    "site '{}' is a Categorical of integers, and an index has no gradient. Write it as "
    "OneHotCategorical, and indexing by it as a product with it; or, if the program "
    "uses it in such products only, declare that: one_hot={{'{}'}}, or "
    "one_hot=True for IGRReparam, delivers the vector"
)
UNKNOWN = (
    "expected a law at site '{}' whose probabilities a relaxed one can match: "
    "OneHotCategorical, Multinomial with total_count 1, or a law of counts such as "
    "Poisson; got {}. Sum such a site out, or observe it"
)


class IGRReparam(Reparam):
    r"""Relaxes one discrete site to the law with exactly the same probabilities.

    A one-hot site gets a value inside the simplex instead of a vertex of it. Of a
    discrete law p the relaxed one has :math:`.\text{probs} = p`, so that discretizing
    it gives p back. Event dimensions, masks and plates are kept.

    A site "n" of counts becomes a site "n_weights" of :class:`InfiniteIGR`, whatever
    the ``law``, and a deterministic :math:`n = \sum_k k z_k`: a real number, and an
    integer again where the weights are discretized. The last weight stands for the
    count ``num_sticks`` and everything beyond.

    A Gaussian gives every category a positive probability: one of 0 becomes the
    smallest normal number of the dtype over its precision (1e-31 in float32).

    Args:
        temperature: :math:`\tau > 0` of the relaxed law; a number, or one for each
            element of the batch.
        law: the relaxed family, by its class: ``IGRStickBreaking``, which is matched
            in closed form; ``IGR``, which treats all categories but the last alike
            and is matched by a solver at every run; or any class that is built from
            a temperature and ``logits``, as ``RelaxedOneHotCategorical``.
        one_hot: whether a site of a ``Categorical`` is to deliver one-hot vectors in
            place of integers.
        num_sticks: the number of counts to tell apart, as in
            ``InfiniteIGR.from_discrete``: None for as many as have mass to speak of,
            if the law's parameters are concrete.

    Raises:
        ValueError: at a site that is observed, or whose law is not a discrete one with
            probabilities to match.

    Source: not in the paper.
    """

    def __init__(
        self,
        temperature: ArrayLike,
        *,
        law: type[Distribution] = IGRStickBreaking,
        one_hot: bool = False,
        num_sticks: int | None = None,
    ) -> None:
        self.temperature, self.law = temperature, law
        self.one_hot, self.num_sticks = one_hot, num_sticks

    def __call__(
        self, name: str, fn: Distribution, obs: Array | None
    ) -> tuple[Distribution | None, Array | None]:
        if obs is not None:
            raise ValueError(f"expected site '{name}' to be latent")
        if not _is_of_one_category(name, innermost(fn), one_hot=self.one_hot):
            weights = numpyro.sample(f"{name}_weights", self._of_counts(name, fn))
            return None, _count(weights)
        make = partial(_matched, temperature=self.temperature, family=self.law)
        return inside(fn, make), None

    def _of_counts(self, name: str, fn: Distribution) -> Distribution:
        make = partial(InfiniteIGR.from_discrete, self.temperature)
        try:
            return inside(fn, partial(make, num_sticks=self.num_sticks))
        except ValueError as error:
            raise ValueError(f"site '{name}': {error}") from error


def _is_of_one_category(name: str, law: Distribution, *, one_hot: bool) -> bool:
    """Whether the law is of one category, and not of counts."""
    if isinstance(law, CategoricalProbs | CategoricalLogits) and not one_hot:
        raise ValueError(INTEGERS.format(name, name))
    if isinstance(law, MultinomialProbs | MultinomialLogits):
        count = law.total_count
        if not_jax_tracer(count) and np.any(count != 1):
            raise ValueError(
                f"expected total_count 1 at site '{name}', got {count}: a "
                "relaxed law takes the place of a single draw"
            )
        return True
    if isinstance(law, OneHotCategorical | CategoricalProbs | CategoricalLogits):
        return True
    if law.event_shape:
        raise ValueError(UNKNOWN.format(name, type(law).__name__))
    return False


def _matched(
    law: Distribution, temperature: ArrayLike, family: type[Distribution]
) -> Distribution:
    """The law of the family with the probabilities of a discrete one."""
    limits = jnp.finfo(jnp.result_type(law.probs, float))
    logits = jnp.log(jnp.maximum(law.probs, limits.tiny / limits.eps))
    return getattr(family, "from_probs", family)(temperature, logits=logits)


def _count(weights: Array) -> Array:
    return (weights * jnp.arange(weights.shape[-1])).sum(-1)
