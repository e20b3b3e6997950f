"""The discrete and relaxed laws that NumPyro lacks, against those of torch."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from jax import random
from numpyro.distributions.kl import kl_divergence
from numpyro_laws import fresh_host as fresh_host
from x64 import enable_x64

from numpyro_igr import (
    OneHotCategorical,
    RelaxedOneHotCategorical,
    RelaxedOneHotCategoricalStraightThrough,
)
from numpyro_igr.distributions import ExpRelaxedCategorical

torch = pytest.importorskip("torch")
from torch.distributions import relaxed_categorical  # noqa: E402

KEY = random.key(0)
B = 5


def logits_of(k, seed=0):
    return np.random.default_rng(seed).normal(size=(B, k))


def double(x):
    return torch.tensor(np.asarray(x), dtype=torch.float64)


def close(found, expected, rtol=1e-10):
    np.testing.assert_allclose(found, expected.numpy(), rtol=rtol, atol=1e-12)


GIVEN = {
    "logits": lambda k: {"logits": logits_of(k)},
    "probs": lambda k: {
        "probs": np.exp(logits_of(k)) / np.exp(logits_of(k)).sum(-1, keepdims=True)
    },
}
every_k = pytest.mark.parametrize("k", [2, 3, 10])
every_given = pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)


@every_k
@every_given
def test_one_hot_agrees_with_torch(k, given):
    given = given(k)
    expected = torch.distributions.OneHotCategorical(
        **{n: double(v) for n, v in given.items()}
    )
    with enable_x64(True):
        law = OneHotCategorical(**{n: jnp.asarray(v) for n, v in given.items()})
        values = np.eye(k)[:, None]
        close(law.log_prob(values), expected.log_prob(double(values)))
        for name in ("probs", "logits", "mean", "variance", "mode"):
            close(getattr(law, name), getattr(expected, name))
        close(law.entropy(), expected.entropy())
        for expand in (True, False):
            close(law.enumerate_support(expand), expected.enumerate_support(expand))
        other = OneHotCategorical(logits=logits_of(k, 1))
        kl = torch.distributions.kl_divergence(
            expected,
            torch.distributions.OneHotCategorical(logits=double(logits_of(k, 1))),
        )
        close(kl_divergence(law, other), kl)


def test_one_hot_samples_have_the_frequencies_of_the_probabilities():
    law = OneHotCategorical(logits=logits_of(4))
    draws = law.sample(KEY, (20_000,))
    assert draws.shape == (20_000, B, 4)
    assert law.support(draws).all()
    error = np.sqrt(law.variance / len(draws))
    assert (abs(draws.mean(0) - law.probs) < 4.5 * error).all()


def test_an_impossible_category_has_no_probability_and_no_nan():
    law = OneHotCategorical(probs=np.array([0.5, 0.5, 0.0]))
    assert law.log_prob(np.array([0.0, 0.0, 1.0])) < -1e30
    assert law.entropy() == pytest.approx(np.log(2))
    assert (law.sample(KEY, (1000,))[:, 2] == 0).all()


LAWS = {
    "one_hot": lambda **given: OneHotCategorical(**given),
    "relaxed": lambda **given: RelaxedOneHotCategorical(0.5, **given),
    "exp_relaxed": lambda **given: ExpRelaxedCategorical(0.5, **given),
    "straight_through": lambda **given: RelaxedOneHotCategoricalStraightThrough(
        0.5, **given
    ),
}
every_host_law = pytest.mark.parametrize("make", LAWS.values(), ids=LAWS)


@every_host_law
def test_wrong_arguments_are_refused(make):
    with pytest.raises(ValueError, match="exactly one of probs and logits"):
        make()
    with pytest.raises(ValueError, match="exactly one of probs and logits"):
        make(probs=np.ones(2) / 2, logits=np.zeros(2))
    with pytest.raises(ValueError, match="probs"):
        make(probs=np.array([0.5, 0.6]))
    with pytest.raises(ValueError, match="logits"):
        make(logits=np.array([0.0, np.nan]))
    with numpyro.validation_enabled(False):
        make(probs=np.array([0.5, 0.6])).sample(KEY)


@every_host_law
def test_wrong_arguments_are_refused_under_jit(make):
    with pytest.raises(ValueError, match="probs"):
        jax.jit(lambda: make(probs=np.array([0.5, 0.6])).sample(KEY))()


@pytest.mark.parametrize("law", [RelaxedOneHotCategorical, ExpRelaxedCategorical])
@pytest.mark.parametrize("temperature", [-1.0, 0.0, np.nan])
def test_a_temperature_out_of_range_is_refused(law, temperature):
    with pytest.raises(ValueError, match="temperature"):
        law(temperature, logits=np.zeros(3))


@every_host_law
def test_the_host_can_map_expand_and_jit_them(make):
    law = make(logits=logits_of(3))
    value = law.sample(KEY)
    same = jax.jit(lambda law: law)(law)
    np.testing.assert_allclose(same.log_prob(value), law.log_prob(value), rtol=1e-5)
    wide = law.expand((2, B))
    assert wide.batch_shape == (2, B)
    np.testing.assert_allclose(wide.log_prob(value)[1], law.log_prob(value), rtol=1e-5)
    laws = jax.vmap(lambda logits: make(logits=logits))(logits_of(3))
    found = jax.vmap(lambda law, value: law.log_prob(value))(laws, value)
    np.testing.assert_allclose(found, law.log_prob(value), rtol=1e-5)
    assert wide.sample(KEY).shape == (2, B, 3)
    assert not (wide.sample(KEY)[0] == wide.sample(KEY)[1]).all()


@pytest.mark.parametrize("k", range(2, 11))
@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_relaxed_densities_agree_with_torch(k, temperature):
    tau = double(temperature)
    logits = logits_of(k)
    relaxed = torch.distributions.RelaxedOneHotCategorical(tau, logits=double(logits))
    exp_relaxed = relaxed_categorical.ExpRelaxedCategorical(tau, logits=double(logits))
    with enable_x64(True):
        law = ExpRelaxedCategorical(temperature, logits=logits)
        log_z = law.sample(KEY)
        close(law.log_prob(log_z), exp_relaxed.log_prob(double(log_z)))
        z = jnp.exp(log_z)
        found = RelaxedOneHotCategorical(temperature, logits=logits).log_prob(z)
        close(found, relaxed.log_prob(double(z)), rtol=1e-8)


@pytest.mark.parametrize("law", [RelaxedOneHotCategorical, ExpRelaxedCategorical])
def test_a_batch_of_temperatures_is_applied_element_by_element(law):
    taus, logits = np.linspace(0.2, 2, B, dtype=np.float32), np.float32(logits_of(3))
    batch = law(taus, logits=logits)
    value = batch.sample(KEY)
    one_by_one = [
        law(t, logits=row).log_prob(v)
        for t, row, v in zip(taus, logits, value, strict=True)
    ]
    np.testing.assert_allclose(batch.log_prob(value), one_by_one, rtol=1e-5)
    assert law(taus[:, None, None], logits=logits).sample(KEY).shape == (B, 1, B, 3)


def test_relaxed_samples_follow_the_probabilities():
    law = RelaxedOneHotCategorical(0.5, logits=logits_of(4))
    draws = law.sample(KEY, (20_000,))
    chosen = jnp.eye(4)[draws.argmax(-1)]
    discrete = law.to_discrete()
    error = np.sqrt(discrete.variance / len(draws))
    assert (abs(chosen.mean(0) - discrete.probs) < 4.5 * error).all()


def test_gradients_are_finite_at_low_temperature_in_logarithms():
    def objective(logits, temperature):
        law = ExpRelaxedCategorical(temperature, logits=logits)
        log_z = law.sample(KEY, (100,))
        return law.log_prob(log_z).sum() + jnp.exp(log_z)[..., 0].sum()

    logits = jnp.asarray(logits_of(10), jnp.float32)
    for gradient in jax.grad(objective, (0, 1))(logits, 0.01):
        assert jnp.isfinite(gradient).all()
        assert (gradient != 0).any()


def test_a_relaxed_value_that_underflowed_has_no_density():
    law = RelaxedOneHotCategorical(0.01, logits=np.float32(logits_of(10)))
    value = law.sample(KEY, (100,))
    log_prob = law.log_prob(value)
    assert (log_prob[(value == 0).any(-1)] == -jnp.inf).all()
    assert not jnp.isnan(log_prob).any()


def test_straight_through_samples_are_one_hot_with_the_relaxed_gradient():
    weights = np.arange(4, dtype=np.float32)

    def objective(logits, law):
        z = law(0.5, logits=logits).sample(KEY, (20,))
        return (z @ weights).sum(), z

    logits = np.float32(logits_of(4))
    soft, z = jax.grad(objective, has_aux=True)(logits, RelaxedOneHotCategorical)
    law = RelaxedOneHotCategoricalStraightThrough
    hard, one_hot = jax.grad(objective, has_aux=True)(logits, law)
    np.testing.assert_array_equal(one_hot, np.eye(4)[z.argmax(-1)])
    np.testing.assert_allclose(hard, soft, rtol=1e-5)
    assert abs(soft).max() > 0.1


def test_a_straight_through_value_has_no_density():
    law = RelaxedOneHotCategoricalStraightThrough(0.5, logits=logits_of(4))
    assert (law.log_prob(law.sample(KEY, (100,))) == -jnp.inf).all()
