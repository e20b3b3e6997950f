"""The countable distributions keep the protocol of a NumPyro distribution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import random
from numpyro.distributions.kl import kl_divergence
from numpyro_families import LOC, SCALE, K
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import GEM, InfiniteIGR

KEY, ALPHA = random.key(0), np.float32(2.0)
GAUSSIANS = np.float32(LOC), np.float32(SCALE)
LAWS = {
    "gem": lambda alpha: GEM(alpha, K - 1),
    "gem_tail": lambda alpha: InfiniteIGR(0.5, *GAUSSIANS, 1.0, tail=GEM(alpha, 1)),
}
LEAVES = {"gem": 1, "gem_tail": 5}
every_family = pytest.mark.parametrize("name", LAWS)


@every_family
def test_a_distribution_is_a_pytree_of_its_parameters_and_those_of_its_tail(name):
    law = LAWS[name](ALPHA)
    leaves, structure = jax.tree.flatten(law)
    assert len(leaves) == LEAVES[name]
    again = jax.tree.unflatten(structure, leaves)
    value = law.sample(KEY, (5,))
    np.testing.assert_array_equal(again.log_prob(value), law.log_prob(value))
    np.testing.assert_array_equal(again.sample(KEY, (5,)), value)


@every_family
def test_jit_and_vmap_of_a_distribution_and_of_its_constructor(name):
    alphas = np.array([0.5, 1.0, 3.0], np.float32)
    make = LAWS[name]

    @jax.jit
    def run(alphas):
        laws = jax.vmap(make)(alphas)
        value = jax.vmap(lambda law, key: law.sample(key))(laws, random.split(KEY, 3))
        return laws, value, jax.vmap(lambda law, z: law.log_prob(z))(laws, value)

    _, value, log_prob = run(alphas)
    expected = make(alphas)
    assert expected.batch_shape == (3,)
    assert expected.support(value).all()
    np.testing.assert_allclose(log_prob, expected.log_prob(value), rtol=1e-4)


def test_under_jit_a_tail_is_the_same_if_it_has_the_same_concentration_given():
    def kl(alpha, beta):
        return kl_divergence(LAWS["gem_tail"](alpha), GEM(beta, K - 1))

    shared = jax.jit(lambda alpha: kl(alpha, alpha))(ALPHA)
    np.testing.assert_allclose(shared, kl(ALPHA, ALPHA), rtol=1e-5)
    with pytest.raises(NotImplementedError, match="unless it is the tail"):
        jax.jit(kl)(ALPHA, ALPHA)


@every_family
def test_a_value_off_the_simplex_warns_and_has_no_density(name):
    law = LAWS[name](ALPHA)
    value = law.sample(KEY) + 0.1
    with pytest.warns(UserWarning, match="Out-of-support"):
        assert law.log_prob(value) == -jnp.inf


def test_breaking_the_rest_under_jit_and_vmap():
    law = InfiniteIGR(None, *GAUSSIANS, 1.0)
    value, keys = law.sample(KEY, (5,)), random.split(KEY, 5)
    broken = jax.jit(jax.vmap(lambda key, z: law.break_rest(key, z, 2)))(keys, value)
    assert broken.shape == (5, K + 2)
    np.testing.assert_allclose(broken[:, : K - 1], value[:, :-1], rtol=1e-6)
    np.testing.assert_allclose(broken.sum(-1), 1, rtol=1e-6)
