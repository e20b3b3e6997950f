"""Scores of the runs of a grid: log-likelihood and ELBO of the discrete model."""

from typing import Any, NamedTuple

from jax import Array, random

from examples.discrete_vae.codes_numpyro import make_discrete, make_prior
from examples.discrete_vae.options import Options
from examples.discrete_vae.report import importance_bounds
from examples.discrete_vae.scores_numpyro import Objectives, weigh
from examples.discrete_vae.vae_numpyro import make_objectives
from examples.images.datasets import BinaryImages
from examples.study.grid_options import GridOptions


def objectives_of(member: Options, images: Array) -> Objectives:
    """What a member trains and what it is scored by, whatever its numbers are."""
    estimator = member.estimator, member.num_samples
    return make_objectives(member.sizes(images.shape[1]), 1.0, *estimator)


class Scored(NamedTuple):
    """What to score runs by.

    Args:
        images: Of a split, or some of them.
        num_samples: Codes for each, to estimate its log-likelihood by.
    """

    images: Array
    num_samples: int


def what_to_score(options: GridOptions, data: BinaryImages[Array]) -> dict[str, Scored]:
    """The images that the options ask for, by the names of their scores."""
    number = options.num_importance_samples
    scored = {"validation": Scored(data.validation[: options.num_validated], number)}
    if options.test:
        scored["test"] = Scored(data.test[: options.num_tested], number)
    if options.test and options.num_tenfold:
        few = data.test[: options.num_tenfold]
        scored["few"] = Scored(few, number)
        scored["few_tenfold"] = Scored(few, 10 * number)
    return scored


def score(
    member: Options, scored: dict[str, Scored], params: dict[str, Any]
) -> dict[str, float]:
    """Of the discrete model, by the same codes: both bounds, in nats an image."""
    prior, key = make_discrete(make_prior(member)), random.PRNGKey(member.seed)
    at_end = params, random.fold_in(key, member.num_epochs + 1)
    scores = {}
    for split, data in scored.items():
        svi = objectives_of(member, data.images).discrete
        weights = weigh(svi, prior, *data, *at_end)
        bounds = importance_bounds(weights)
        scores[f"{split}_log_likelihood"] = bounds.mean().item()
        scores[f"{split}_elbo"] = weights.mean().item()
    return scores
