"""The discrete and relaxed distributions that NumPyro lacks, against those of torch."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from jax import random
from numpyro.distributions.kl import kl_divergence
from numpyro_families import fresh_host as fresh_host
from x64 import enable_x64

from numpyro_igr import (
    OneHotCategorical,
    RelaxedOneHotCategorical,
    RelaxedOneHotCategoricalStraightThrough,
)
from numpyro_igr.distributions import ExpRelaxedOneHotCategorical

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
        close(law.enumerate_support(), expected.enumerate_support())
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


IMPOSSIBLE = {
    "probs": {"probs": np.array([0.5, 0.5, 0.0], np.float32)},
    "logits": {"logits": np.array([0.0, 0.0, -np.inf], np.float32)},
}
unchecked = numpyro.validation_enabled(False)  # as the host, it refuses logits of -inf
every_impossible = pytest.mark.parametrize("given", IMPOSSIBLE.values(), ids=IMPOSSIBLE)


@unchecked
@pytest.mark.parametrize("call", [lambda f: f, jax.jit], ids=["eager", "jit"])
@every_impossible
def test_an_impossible_category_adds_nothing(given, call):
    """By torch, from logits; from probs its logarithm of 0 is that of 1e-7."""
    logits = torch.tensor([0.0, 0.0, -torch.inf])
    expected = torch.distributions.OneHotCategorical(logits=logits)

    def known(given):
        law = OneHotCategorical(**given)
        return [law.log_prob(jnp.eye(3)), law.entropy(), law.mean, law.variance]

    log_prob, entropy, mean, variance = call(known)(given)
    close(log_prob, expected.log_prob(torch.eye(3)), rtol=1e-6)
    close(entropy, expected.entropy(), rtol=1e-6)
    close(mean, expected.mean, rtol=1e-6)
    close(variance, expected.variance, rtol=1e-6)
    draws = call(lambda given: OneHotCategorical(**given).sample(KEY, (1000,)))(given)
    assert (draws[:, 2] == 0).all()
    assert (draws.sum(-1) == 1).all()


@unchecked
@pytest.mark.parametrize("call", [lambda f: f, jax.jit], ids=["eager", "jit"])
@every_impossible
def test_the_kl_is_infinite_to_an_impossible_category_only(given, call):
    def kl_of(p, q):
        return kl_divergence(OneHotCategorical(**p), OneHotCategorical(**q))

    possible = {"probs": np.array([0.2, 0.3, 0.5], np.float32)}
    other = {"logits": np.array([1.0, 0.0, -np.inf], np.float32)}
    assert call(kl_of)(possible, given) == np.inf
    expected = 0.5 * np.log(0.5 / 0.2) + 0.5 * np.log(0.5 / 0.3)
    assert call(kl_of)(given, possible) == pytest.approx(expected, rel=1e-6)
    e = np.exp(1) / (1 + np.exp(1))
    expected = 0.5 * np.log(0.5 / e) + 0.5 * np.log(0.5 / (1 - e))
    assert call(kl_of)(given, other) == pytest.approx(expected, rel=1e-6)
    assert call(kl_of)(given, given) == 0


def test_a_category_that_has_underflowed_is_rare_and_not_impossible():
    p, q = np.float32([0.0, 0.0]), np.float32([0.0, -200.0])
    found = kl_divergence(OneHotCategorical(logits=p), OneHotCategorical(logits=q))
    assert found == pytest.approx(100 - np.log(2), rel=1e-6)


@unchecked
@every_impossible
def test_gradients_at_an_impossible_category_are_finite(given):
    (name, value), other = *given.items(), np.array([0.2, 0.3, 0.5], np.float32)

    def one_hot(x):
        law, possible = OneHotCategorical(**{name: x}), OneHotCategorical(other)
        kls = kl_divergence(law, possible), kl_divergence(possible, law)
        return law.entropy() + kls[0] + kls[1] + law.log_prob(jnp.eye(3)[1])

    def relaxed(x, temperature, law=RelaxedOneHotCategorical):
        value = law(temperature, **{name: x}).sample(KEY, (20,))
        return (value * np.arange(3)).sum()

    assert np.isfinite(jax.jit(jax.grad(one_hot))(value)).all()
    for gradient in jax.jit(jax.grad(relaxed, (0, 1)))(value, np.float32(0.5)):
        assert np.isfinite(gradient).all()
        assert gradient.any()


@unchecked
@every_impossible
@pytest.mark.parametrize("temperature", [0.1, 3.0])
def test_without_a_category_a_relaxed_distribution_is_that_of_the_others(
    given, temperature
):
    value = RelaxedOneHotCategorical(temperature, **given).sample(KEY, (1000,))
    assert (value[:, 2] == 0).all()
    np.testing.assert_allclose(value.sum(-1), 1, rtol=1e-6)
    assert value[:, 0].mean() == pytest.approx(0.5, abs=0.06)
    inside = np.float32([0.3, 0.3, 0.4])
    for law, points in (
        (RelaxedOneHotCategorical, np.stack([inside, value[0]])),
        (ExpRelaxedOneHotCategorical, np.log(inside)),
    ):
        log_prob = law(temperature, **given).log_prob(points)
        np.testing.assert_array_equal(log_prob, -np.inf)


LAWS = {
    "one_hot": lambda **given: OneHotCategorical(**given),
    "relaxed": lambda **given: RelaxedOneHotCategorical(0.5, **given),
    "exp_relaxed": lambda **given: ExpRelaxedOneHotCategorical(0.5, **given),
    "straight_through": lambda **given: RelaxedOneHotCategoricalStraightThrough(
        0.5, **given
    ),
}
every_family_of_the_host = pytest.mark.parametrize("make", LAWS.values(), ids=LAWS)


@every_family_of_the_host
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


@every_family_of_the_host
def test_wrong_arguments_are_refused_under_jit(make):
    with pytest.raises(ValueError, match="probs"):
        jax.jit(lambda: make(probs=np.array([0.5, 0.6])).sample(KEY))()


@pytest.mark.parametrize("law", [RelaxedOneHotCategorical, ExpRelaxedOneHotCategorical])
@pytest.mark.parametrize("temperature", [-1.0, 0.0, np.nan])
def test_a_temperature_out_of_range_is_refused(law, temperature):
    with pytest.raises(ValueError, match="temperature"):
        law(temperature, logits=np.zeros(3))


@every_family_of_the_host
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


@jax.jit
def log_densities(temperature, logits):
    """A draw of log z, its log density, and that of z."""
    law = ExpRelaxedOneHotCategorical(temperature, logits=logits)
    log_z = law.sample(KEY)
    relaxed = RelaxedOneHotCategorical(temperature, logits=logits)
    return log_z, law.log_prob(log_z), relaxed.log_prob(jnp.exp(log_z))


@pytest.mark.parametrize("k", range(2, 11))
@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_relaxed_densities_agree_with_torch(k, temperature):
    tau = double(temperature)
    logits = logits_of(k)
    relaxed = torch.distributions.RelaxedOneHotCategorical(tau, logits=double(logits))
    exp_relaxed = relaxed_categorical.ExpRelaxedCategorical(tau, logits=double(logits))
    with enable_x64(True):
        log_z, of_log_z, of_z = log_densities(temperature, logits)
        close(of_log_z, exp_relaxed.log_prob(double(log_z)))
        close(of_z, relaxed.log_prob(double(log_z).exp()), rtol=1e-8)


@pytest.mark.parametrize("law", [RelaxedOneHotCategorical, ExpRelaxedOneHotCategorical])
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
        law = ExpRelaxedOneHotCategorical(temperature, logits=logits)
        log_z = law.sample(KEY, (100,))
        return law.log_prob(log_z).sum() + jnp.exp(log_z)[..., 0].sum()

    logits = jnp.asarray(logits_of(10), jnp.float32)
    for gradient in jax.jit(jax.grad(objective, (0, 1)))(logits, 0.01):
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
