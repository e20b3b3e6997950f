"""Runs of variants of the recipe, in NumPyro: trained, timed in turns, and scored."""

import statistics
import time
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax, random
from numpyro.infer import SVI, Trace_ELBO
from numpyro.optim import Adam

from examples.discrete_vae.codes_numpyro import make_discrete, make_prior
from examples.discrete_vae.options import Options
from examples.discrete_vae.report import importance_bounds
from examples.discrete_vae.scores_numpyro import weigh
from examples.harness.training_numpyro import (
    CosineDecay,
    initialize,
    load_images,
    train_epoch,
)
from numpyro_igr import discretize
from tests.benchmarks.variant_codes import to_temperature, with_temperature
from tests.benchmarks.variant_programs import VAE, VARIANTS, Phase, make_svi

NUM_WEIGHTS = 100
NUM_TURNS, STEPS_OF_TURN = 9, 120
RECIPE = "the recipe", "igr-sb"


class Problem(NamedTuple):
    """What all variants are tried on."""

    dataset: str
    num_variables: int
    num_categories: int
    architecture: str

    def options(self, family):
        return Options(family=family, estimator="discrete-kl", **self._asdict())

    def sizes(self, family):
        return self.options(family).sizes(data_of(self).train.shape[1])

    def prior(self, family, temperature):
        return with_temperature(make_prior(self.options(family)), temperature)

    def num_batches(self, name):
        return len(data_of(self).train) // VARIANTS[name].batch_size


@cache
def data_of(problem):
    return load_images(problem.options("igr-sb"))


@partial(jax.jit, static_argnames=("problem", "name", "family"))
def train(problem, name, family, temperature, key, num_epochs):
    """The parameters after so many epochs of a variant."""
    variant, images = VARIANTS[name], data_of(problem).train
    rate = CosineDecay(variant.rate, num_epochs, problem.num_batches(name))
    phases = [variant.phase, *([variant.last] if variant.last else [])]
    svis = [make_svi(problem.sizes(family), phase, rate) for phase in phases]
    size = variant.batch_size
    first = problem.prior(family, temperature), images[:size]
    state, *_ = [initialize(svi, *first, key) for svi in svis]

    def epoch(svi, number, state):
        share = number / num_epochs if variant.is_annealed else 1.0
        of = problem.prior(family, temperature**share), images, size, state
        return train_epoch(svi, *of, random.fold_in(key, number + 1))[0]

    cut = num_epochs * 4 // 5 if variant.last else num_epochs
    for svi, start, end in zip(svis, (0, cut), (cut, num_epochs), strict=False):
        state = lax.fori_loop(start, end, partial(epoch, svi), state)
    return svis[0].optim.get_params(state.optim_state)


def run(problem, name, family, temperature, seed, num_epochs):
    """Parameters, and the processor time that they took."""
    start = time.process_time()
    numbers = jnp.array(temperature), random.PRNGKey(seed), jnp.array(num_epochs)
    params = jax.block_until_ready(train(problem, name, family, *numbers))
    return params, time.process_time() - start


def relative_time(problem, name, family):
    """Of a step, over one of the recipe: the median of turns, after a warm-up."""
    both, ratios = (RECIPE, (name, family)), []
    for _ in range(NUM_TURNS):
        taken = [_time_of_step(problem, *of) for of in both]
        ratios.append(taken[1] / taken[0])
    return statistics.median(ratios[1:])


def _time_of_step(problem, name, family):
    num_batches = problem.num_batches(name)
    num_epochs = max(1, STEPS_OF_TURN // num_batches)
    taken = run(problem, name, family, 0.5, 0, num_epochs)[1]
    return taken / num_epochs / num_batches


@cache
def scored(problem, posterior, family):
    """The discrete model and its guide."""
    vae = VAE(problem.sizes(family), Phase(posterior=posterior))
    return SVI(discretize(vae.model), discretize(vae.guide), Adam(0), Trace_ELBO())


def scores(problem, split, name, family, temperature, seed, num_epochs):
    """The discrete ELBO, the importance-weighted one, and the last temperature."""
    params, _ = run(problem, name, family, temperature, seed, num_epochs)
    svi = scored(problem, VARIANTS[name].scored, family)
    prior = make_discrete(problem.prior(family, temperature))
    of_state = params, random.fold_in(random.PRNGKey(seed), 0)
    images = getattr(data_of(problem), split)
    log_weights = weigh(svi, prior, images, NUM_WEIGHTS, *of_state)
    bounds = importance_bounds(log_weights)
    if "temperature" in params:
        temperature = float(to_temperature(params["temperature"]))
    return [float(log_weights.mean()), float(bounds.mean()), temperature]
