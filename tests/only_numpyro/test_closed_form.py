"""A traced temperature has no value to compare, and is the same object all the same."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from jax import random
from numpyro.distributions.kl import kl_divergence
from numpyro.infer import TraceMeanField_ELBO
from numpyro_families import K, make
from numpyro_families import fresh_host as fresh_host

N = 5


def prior_of(name, temperature=0.5):
    return make(name, temperature, jnp.zeros(K - 1), jnp.ones(K - 1))


def sample_in_plates(law):
    with numpyro.plate("rows", 2, dim=-2), numpyro.plate("columns", N, dim=-1):
        numpyro.sample("z", law)


@pytest.mark.parametrize("tempering", ["weights", "softmax++", "vertex"])
def test_one_traced_temperature_is_the_same_object_on_both_sides(tempering):
    name = f"stick_breaking_{tempering}"

    @jax.jit
    def loss(key, tau):
        def program(law_of):
            return lambda: sample_in_plates(law_of(name, tau))

        model = program(lambda name, tau: prior_of(name, tau))
        guide = program(lambda name, tau: make(name, tau))
        return TraceMeanField_ELBO().loss(key, {}, model, guide)

    assert len({float(loss(random.key(seed), 0.5)) for seed in range(4)}) == 1


def test_one_that_was_an_argument_shares_what_another_is_given_of_it():
    def kl(prior, loc, factor=None):
        temperature = (
            prior.temperature if factor is None else factor * prior.temperature
        )
        q = make("stick_breaking_softmax++", temperature, loc, jnp.ones(K - 1))
        return kl_divergence(q, prior)

    prior = prior_of("stick_breaking_softmax++", jnp.full(3, 0.5))
    loc = jnp.arange(4 * 3.0 * (K - 1)).reshape(4, 3, K - 1) / 10
    found = jax.jit(kl)(prior, loc)
    np.testing.assert_allclose(found, (loc**2).sum(-1) / 2, rtol=1e-5)
    with pytest.raises(NotImplementedError, match="of the same temperature"):
        jax.jit(kl)(prior, loc, 1.0)


def test_what_a_gradient_traces_outside_of_jit_has_no_value_to_compare_either():
    def kl(tau):
        q = make("stick_breaking_weights", tau)
        with pytest.raises(NotImplementedError, match="of the same temperature"):
            kl_divergence(q, prior_of("stick_breaking_weights", 0.5))
        return kl_divergence(q, prior_of("stick_breaking_weights", tau))

    assert jax.grad(kl)(0.5) == 0
