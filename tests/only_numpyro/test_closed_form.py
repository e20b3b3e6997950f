"""Under TraceMeanField_ELBO the KL of the family has no Monte-Carlo noise."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from cases import WITH_KL_ACROSS_TEMPERATURES
from jax import random
from numpyro import handlers
from numpyro.distributions.kl import kl_divergence
from numpyro.infer import TraceMeanField_ELBO
from numpyro_families import K, every_family, make
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import assert_analytic_kl

N = 5
KEPT = np.array([True, False, True, True, False])


def prior_of(name, temperature=0.5):
    return make(name, temperature, jnp.zeros(K - 1), jnp.ones(K - 1))


def sample_bare(law):
    numpyro.sample("z", law)


def sample_in_plates(law):
    with numpyro.plate("rows", 2, dim=-2), numpyro.plate("columns", N, dim=-1):
        numpyro.sample("z", law)


def sample_in_subsampled_plate(law):
    with numpyro.plate("data", 4 * N, subsample_size=N):
        numpyro.sample("z", law)


def sample_as_event(law):
    numpyro.sample("z", law.expand([2, N]).to_event(2))


def sample_as_event_in_plate(law):
    with numpyro.plate("rows", 2):
        numpyro.sample("z", law.expand([2, N]).to_event(1))


def sample_scaled(law):
    with handlers.scale(scale=0.1):
        sample_in_plates(law)


def sample_masked(law):
    with numpyro.plate("columns", N), handlers.mask(mask=KEPT):
        numpyro.sample("z", law)


def sample_masked_distribution(law):
    with numpyro.plate("columns", N):
        numpyro.sample("z", law.expand([N]).mask(KEPT))


def sample_several(law):
    for i in range(3):
        numpyro.sample(f"z{i}", law)


SITES = {
    "bare": (sample_bare, 1),
    "plates": (sample_in_plates, 2 * N),
    "subsampled_plate": (sample_in_subsampled_plate, 4 * N),
    "event": (sample_as_event, 2 * N),
    "event_in_plate": (sample_as_event_in_plate, 2 * N),
    "scaled": (sample_scaled, 0.1 * 2 * N),
    "masked": (sample_masked, 3),
    "masked_distribution": (sample_masked_distribution, 3),
    "several": (sample_several, 3),
}
every_site = pytest.mark.parametrize(("sample", "count"), SITES.values(), ids=SITES)


def losses_over_seeds(model, guide):
    """The distinct losses of four seeds."""
    loss = jax.jit(lambda key: TraceMeanField_ELBO().loss(key, {}, model, guide))
    return {float(loss(random.key(seed))) for seed in range(4)}


@every_family
@every_site
def test_the_kl_term_has_zero_variance_across_seeds(sample, count, name):
    q, p = make(name), prior_of(name)
    found = losses_over_seeds(lambda: sample(p), lambda: sample(q))
    (loss,) = found
    assert loss == pytest.approx(count * float(kl_divergence(q, p)), rel=1e-5)
    assert_analytic_kl(lambda: sample(p), lambda: sample(q))


@pytest.mark.parametrize("name", WITH_KL_ACROSS_TEMPERATURES)
def test_zero_variance_holds_between_different_temperatures(name):
    q, p = make(name, jnp.linspace(0.1, 0.9, N)), prior_of(name, 0.7)
    found = losses_over_seeds(lambda: sample_in_plates(p), lambda: sample_in_plates(q))
    (loss,) = found
    assert loss == pytest.approx(2 * float(kl_divergence(q, p).sum()), rel=1e-5)


@every_family
def test_a_likelihood_that_ignores_the_latent_adds_no_variance(name):
    def model():
        sample_in_plates(prior_of(name))
        numpyro.sample("x", dist.Normal(0.0, 1.0), obs=2.0)

    assert len(losses_over_seeds(model, lambda: sample_in_plates(make(name)))) == 1


def test_a_straight_through_guide_has_a_closed_form_to_a_relaxed_prior():
    q, p = make("straight_through"), prior_of("igr")
    found = losses_over_seeds(lambda: sample_in_plates(p), lambda: sample_in_plates(q))
    assert len(found) == 1


EQUAL = {
    "numbers": lambda: (0.5, 0.5),
    "one_array": lambda: (jnp.array(0.5),) * 2,
    "equal_arrays": lambda: (jnp.array(0.5), jnp.array(0.5)),
}


@pytest.mark.parametrize("pair", EQUAL.values(), ids=EQUAL)
@pytest.mark.parametrize("tempering", ["weights", "softmax++", "vertex"])
def test_equal_temperatures_give_every_tempering_its_closed_form(tempering, pair):
    one, other = pair()
    q = make(f"stick_breaking_{tempering}", one)
    p = prior_of(f"stick_breaking_{tempering}", other)
    found = losses_over_seeds(lambda: sample_in_plates(p), lambda: sample_in_plates(q))
    assert len(found) == 1


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
