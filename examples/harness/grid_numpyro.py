"""Runs that differ only in numbers, trained side by side as one NumPyro program."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, random
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState

from examples.harness.training_numpyro import initialize, train_epoch

Rates = tuple[float | Array, float | Array]
MakeSVI = Callable[[Rates], SVI]  # given learning rates, which may be traced


class Members(NamedTuple):
    """What tells one run from another; of several runs, with a first axis of them.

    Args:
        seed: Of first parameters, shuffling and noise.
        rates: The first learning rate and the last.
        prior: What model and guide take after the images; any arrays in a tree, its
            temperature among them.
    """

    seed: int | Array
    rates: Rates
    prior: Distribution | Any

    @classmethod
    def stack(cls, members: Sequence["Members"]) -> "Members":
        """All of them, whose priors are alike but for the numbers."""
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)


@partial(jax.jit, static_argnames="make_svi")
def start_grid(make_svi: MakeSVI, members: Members, images: Array) -> SVIState:
    """The states of all runs before the first step, given images of a batch."""

    def start(member: Members) -> SVIState:
        svi, key = make_svi(member.rates), random.PRNGKey(member.seed)
        return initialize(svi, member.prior, images, key)

    return jax.vmap(start)(members)


@partial(jax.jit, static_argnames=("make_svi", "batch_size"))
def train_grid_epoch(
    make_svi: MakeSVI,
    members: Members,
    images: Array,
    batch_size: int,
    states: SVIState,
    epoch: int | Array,
) -> tuple[SVIState, Array]:
    """A pass of each run over the images, of which there is one copy.

    Each run shuffles them by itself, with the keys that it would have on its own.
    Returns the states and the mean ELBO of each; compiled once for all epochs.
    """

    def train(member: Members, state: SVIState) -> tuple[SVIState, Array]:
        svi = _prepare(make_svi, member, images[:batch_size])
        key = random.fold_in(random.PRNGKey(member.seed), epoch + 1)
        of_epoch = images, batch_size, state, random.split(key)[0]
        return train_epoch(svi, member.prior, *of_epoch)

    return jax.vmap(train)(members, states)


@partial(jax.jit, static_argnames="make_svi")
def grid_params(
    make_svi: MakeSVI, members: Members, images: Array, states: SVIState
) -> dict[str, Any]:
    """The parameters of all runs, given images of a batch."""

    def get(member: Members, state: SVIState) -> dict[str, Any]:
        return _prepare(make_svi, member, images).get_params(state)

    return jax.vmap(get)(members, states)


def _prepare(make_svi: MakeSVI, member: Members, images: Array) -> SVI:
    """An SVI has its maps of parameters from its start, whose rest XLA drops."""
    svi = make_svi(member.rates)
    svi.init(random.PRNGKey(member.seed), images, member.prior)
    return svi
