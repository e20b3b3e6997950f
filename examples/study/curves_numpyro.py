"""Bounds of the runs of a grid over the epochs, as in Figure 2 of the paper.

They are of a few images, the same at each epoch: on training images the ELBO of the
discrete model; on test images the trained bound (in the paper, of the relaxed model)
from ten codes per image, and the log-likelihood of the discrete model from 100.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array, random
from numpy.typing import NDArray

from examples.discrete_vae.codes_numpyro import make_discrete
from examples.discrete_vae.options import ESTIMATORS, ONE_HOT, Options
from examples.discrete_vae.scores_numpyro import Objectives, drawing, posterior
from examples.harness.grid_numpyro import Members
from examples.harness.training_numpyro import bounds
from examples.images.datasets import BinaryImages
from examples.study.scores_numpyro import objectives_of
from numpyro_igr import log_likelihood

NAMES = "discrete_train_elbo", "trained_test_bound", "test_log_likelihood"
NUM_CODES, CODES_AT_ONCE = 100, 10_000

Curves = dict[str, NDArray[np.float32]]


class Followed(NamedTuple):
    """The few images by which members are followed."""

    train: Array
    test: Array

    @classmethod
    def first(cls, data: BinaryImages[Array], number: int) -> "Followed | None":
        """So many of the training and of the test images, None of none."""
        return cls(data.train[:number], data.test[:number]) if number else None


def empty_curves(
    followed: Followed | None, num_members: int, num_epochs: int
) -> Curves:
    """A number for each member and epoch, none of them known yet."""
    shape = num_members, num_epochs
    return {} if followed is None else {name: np.full(shape, np.nan) for name in NAMES}


def follow(
    member: Options, members: Members, followed: Followed, params: dict[str, Any]
) -> dict[str, Array]:
    """The three numbers of each of the members, which are like that one."""
    objectives = objectives_of(member, followed.train)
    if ESTIMATORS[member.estimator].objective == ONE_HOT:  # its gradient is its own
        objectives = objectives._replace(relaxed=objectives.discrete)
    return _follow(objectives, members, followed, params)


@partial(jax.jit, static_argnames="objectives")
def _follow(
    objectives: Objectives,
    members: Members,
    followed: Followed,
    params: dict[str, Any],
) -> dict[str, Array]:
    svi = objectives.discrete

    def follow_one(member: Members, params: dict[str, Any]) -> dict[str, Array]:
        prior, key = member.prior, random.PRNGKey(member.seed)
        discrete, trained = make_discrete(prior), (params, key)
        of_train = bounds(svi, discrete, followed.train, *trained)
        loss = svi, discrete
        if objectives.relaxed is not svi:
            loss = objectives.relaxed, prior
        of_test = bounds(*loss, followed.test, *trained)
        at_once = max(1, min(NUM_CODES, CODES_AT_ONCE // len(followed.test)))
        numbers = {"num_samples": NUM_CODES, "chunk_size": at_once}
        guide = drawing(posterior(svi.guide, discrete, followed.test, *trained))
        given = followed.test, discrete
        likelihood = log_likelihood(
            key, svi.model, guide, *given, **numbers, params=params
        )
        found = of_train.mean(), of_test.mean(), likelihood.mean
        return dict(zip(NAMES, found, strict=True))

    return jax.vmap(follow_one)(members, params)
