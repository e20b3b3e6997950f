"""A traced temperature has no value to compare, and is the same object all the same."""

import jax
import jax.numpy as jnp
import numpyro
import pytest
from jax import random
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
