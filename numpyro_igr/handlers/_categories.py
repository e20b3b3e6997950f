"""Discrete distributions as categories: which are, and their probabilities."""

import math
from collections.abc import Collection
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import log_softmax
from numpyro.distributions import (
    CategoricalLogits,
    CategoricalProbs,
    Delta,
    DiscreteUniform,
    Distribution,
    MultinomialLogits,
    MultinomialProbs,
)

from numpyro_igr._host import not_jax_tracer
from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions.recovering import innermost

INTEGERS = CategoricalProbs | CategoricalLogits | DiscreteUniform

PREDICTED = (
    ". If it is data that a run predicts, leave it as it is: keep={{'{0}'}} in relax"
)
UNDECLARED = (
    "site '{0}' is a {1} of integers, and an index has no gradient. Write table[z] as "
    "lookup(table, z), or use z as a one-hot vector in products. Then declare it: "
    "one_hot={{'{0}'}} in relax, or one_hot=True in IGRReparam" + PREDICTED
)
UNKNOWN = (
    "expected a distribution at site '{0}' whose probabilities a relaxed one can "
    "match: OneHotCategorical, Multinomial with total_count 1, or one of counts such "
    "as Poisson; got {1}. Sum the site out, or observe it" + PREDICTED
)
MIXED = (
    "site '{0}' is the latent part of site '{1}', where obs_mask puts one-hot vectors "
    "among observed integers: make '{1}' a OneHotCategorical, with one-hot vectors as "
    "obs"
)
NOT_ENUMERABLE = (
    "expected a distribution over the same few integers at site '{}' of one_hot, got {}"
)


def is_category(name: str, distribution: Distribution, *, one_hot: bool) -> bool:
    """Whether a site is of one category, and not of counts.

    Args:
        name: of the site.
        distribution: of the site.
        one_hot: whether a site of integers is declared to be one of categories.

    Raises:
        ValueError: at a site that is neither, or that must be declared.
    """
    if isinstance(distribution, MultinomialProbs | MultinomialLogits):
        _check_single(name, distribution)
        return True
    if isinstance(distribution, OneHotCategorical):
        return True
    if distribution.event_shape:
        raise ValueError(UNKNOWN.format(name, type(distribution).__name__))
    if one_hot:
        _check_enumerable(name, distribution)
        return True
    if isinstance(distribution, INTEGERS):
        kind = type(distribution).__name__
        raise ValueError(UNDECLARED.format(name, kind))
    return False


def check_parts(
    name: str, distribution: Distribution, others: Collection[str], *, one_hot: bool
) -> None:
    """Raises at the latent part of a partly observed site of integers.

    Args:
        name: of the site.
        distribution: of the site.
        others: the names of the sites before it.
        one_hot: whether a site of integers is declared to be one of categories.

    Raises:
        ValueError: naming the site and its whole.
    """
    whole = name.removesuffix("_unobserved")
    if whole != name and f"{whole}_observed" in others:
        if one_hot or isinstance(innermost(distribution), INTEGERS):
            raise ValueError(MIXED.format(name, whole))


def _check_single(
    name: str, distribution: MultinomialProbs | MultinomialLogits
) -> None:
    count = distribution.total_count
    if not_jax_tracer(count) and np.any(count != 1):
        raise ValueError(
            f"expected total_count 1 at site '{name}', got {count}: only a single draw "
            f"can be relaxed{PREDICTED.format(name)}"
        )


def _check_enumerable(name: str, distribution: Distribution) -> None:
    try:
        distribution.enumerate_support(expand=False)
    except NotImplementedError as error:
        kind = type(distribution).__name__
        raise ValueError(NOT_ENUMERABLE.format(name, kind)) from error


def log_probs_of(distribution: Distribution) -> Array:
    """Log probabilities of the categories, those of probability 0 at the least one.

    Shape:
        ``batch + (K,)``, with categories in the order of the host's enumeration.

    Args:
        distribution: of one category, or of integers that the host can enumerate.
    """
    known = (
        OneHotCategorical
        | CategoricalProbs
        | CategoricalLogits
        | MultinomialProbs
        | MultinomialLogits
    )
    if not isinstance(distribution, known):
        values = distribution.enumerate_support(expand=False)
        return jnp.moveaxis(distribution.log_prob(values), 0, -1)
    parameters: Any = distribution
    probs = parameters.probs
    limits = jnp.finfo(jnp.result_type(probs, float))
    least = math.log(limits.tiny / limits.eps)
    rare = log_softmax(parameters.logits, -1)  # exact, where logits were given
    is_known = (rare < least) & (rare > limits.min / 2)
    rare = jnp.where(is_known, rare, least)
    return jnp.where(probs > 0, jnp.log(jnp.where(probs > 0, probs, 1.0)), rare)


def is_discrete(distribution: Distribution) -> bool:
    """Whether the values of a distribution are discrete.

    Args:
        distribution: any distribution of the host.
    """
    support = getattr(innermost(distribution), "support", None)
    return getattr(support, "is_discrete", False)


def is_continuous(distribution: Distribution) -> bool:
    """Whether a distribution has a density, and is no Delta or mean of a one-hot one.

    Args:
        distribution: any distribution of the host.
    """
    found = innermost(distribution)
    return not (isinstance(found, Delta | OneHotCategorical) or is_discrete(found))
