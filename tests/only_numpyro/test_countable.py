"""The countable distributions keep the protocol of a NumPyro distribution."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from jax import random
from numpyro.distributions.constraints import positive
from numpyro.distributions.kl import kl_divergence
from numpyro.infer import SVI, TraceMeanField_ELBO
from numpyro.optim import Adam
from numpyro_families import LOC, SCALE, K
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import GEM, InfiniteIGR, assert_analytic_kl

KEY, ALPHA = random.key(0), np.float32(2.0)
GAUSSIANS = np.float32(LOC), np.float32(SCALE)
LAWS = {
    "gem": lambda alpha: GEM(alpha, K - 1),
    "gem_tail": lambda alpha: InfiniteIGR(0.5, *GAUSSIANS, 1.0, tail=GEM(alpha, 1)),
}
LEAVES = {"gem": 1, "gem_tail": 5}
COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda law: pickle.loads(pickle.dumps(law)),
}
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
    for duplicate in COPIES.values():
        copied = duplicate(law)
        np.testing.assert_array_equal(copied.log_prob(value), law.log_prob(value))


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


@every_family
def test_expand_broadcasts_the_density_and_the_kl(name):
    law, prior = LAWS[name](ALPHA), GEM(ALPHA, K - 1)
    wide = law.expand((5, 2))
    value = wide.sample(KEY)
    assert value.shape == (5, 2, K)
    np.testing.assert_allclose(wide.log_prob(value), law.log_prob(value), rtol=1e-5)
    if name == "gem_tail":
        found, one = kl_divergence(wide, prior.expand((2,))), kl_divergence(law, prior)
        np.testing.assert_allclose(found, np.full((5, 2), one), rtol=1e-6)


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


def model(x):
    alpha = numpyro.param("alpha", ALPHA, constraint=positive)
    with numpyro.plate("data", len(x)):
        numpyro.sample("weights", GEM(alpha, K - 1))


def guide(x):
    alpha = numpyro.param("alpha", ALPHA, constraint=positive)
    loc = numpyro.param("loc", GAUSSIANS[0])
    with numpyro.plate("data", len(x)):
        law = InfiniteIGR(None, loc, GAUSSIANS[1], 0.9, tail=GEM(alpha, 1))
        numpyro.sample("weights", law)


def test_the_mean_field_elbo_has_the_analytic_kl_of_truncated_weights():
    x = jnp.zeros(7)
    assert_analytic_kl(model, guide, x)
    svi = SVI(model, guide, Adam(0.1), TraceMeanField_ELBO())
    state = svi.init(KEY, x)
    evaluate = jax.jit(svi.evaluate)
    states = [state._replace(rng_key=key) for key in random.split(KEY, 3)]
    losses = [float(evaluate(each, x)) for each in states]
    tail = GEM(ALPHA, 1)
    law = InfiniteIGR(None, *GAUSSIANS, 0.9, tail=tail)
    assert losses[0] == losses[1] == losses[2]
    assert losses[0] == pytest.approx(float(7 * kl_divergence(law, tail)), rel=1e-5)
    state, _ = jax.jit(svi.update)(state, x)
    params = svi.get_params(state)
    assert (params["loc"] != GAUSSIANS[0]).all()
    assert params["alpha"] != ALPHA


def test_breaking_the_rest_under_jit_and_vmap():
    law = InfiniteIGR(None, *GAUSSIANS, 1.0)
    value, keys = law.sample(KEY, (5,)), random.split(KEY, 5)
    broken = jax.jit(jax.vmap(lambda key, z: law.break_rest(key, z, 2)))(keys, value)
    assert broken.shape == (5, K + 2)
    np.testing.assert_allclose(broken[:, : K - 1], value[:, :-1], rtol=1e-6)
    np.testing.assert_allclose(broken.sum(-1), 1, rtol=1e-6)
