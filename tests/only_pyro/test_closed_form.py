"""Under TraceMeanField_ELBO the KL of the family has no Monte-Carlo noise."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from cases import WITH_KL_ACROSS_TEMPERATURES
from pyro import infer, poutine
from pyro_families import LOC, SCALE, K, every_family, make
from pyro_families import fresh_host as fresh_host
from torch.distributions import kl_divergence

from pyro_igr import assert_analytic_kl

N = 5
KEPT = torch.tensor([True, False, True, True, False])


def prior_of(name, temperature=0.5):
    return make(name, temperature, torch.zeros(K - 1), torch.ones(K - 1))


def sample_bare(law):
    pyro.sample("z", law)


def sample_in_plates(law):
    with pyro.plate("rows", 2, dim=-2), pyro.plate("columns", N, dim=-1):
        pyro.sample("z", law)


def sample_in_subsampled_plate(law):
    with pyro.plate("data", 4 * N, subsample_size=N):
        pyro.sample("z", law)


def sample_as_event(law):
    pyro.sample("z", law.expand([2, N]).to_event(2))


def sample_as_event_in_plate(law):
    with pyro.plate("rows", 2):
        pyro.sample("z", law.expand([2, N]).to_event(1))


def sample_scaled(law):
    with poutine.scale(scale=0.1):
        sample_in_plates(law)


def sample_masked(law):
    with pyro.plate("columns", N), poutine.mask(mask=KEPT):
        pyro.sample("z", law)


def sample_masked_distribution(law):
    with pyro.plate("columns", N):
        pyro.sample("z", law.expand([N]).mask(KEPT))


def sample_several(law):
    for i in pyro.plate("loop", 3):
        pyro.sample(f"z{i}", law)


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
ENGINES = {
    "eager": infer.TraceMeanField_ELBO,
    "jit": lambda: infer.JitTraceMeanField_ELBO(ignore_jit_warnings=True),
}
every_engine = pytest.mark.parametrize("engine", ENGINES)
every_site = pytest.mark.parametrize(("sample", "count"), SITES.values(), ids=SITES)
ignore_jit = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def losses_over_seeds(engine, model, guide):
    """The distinct losses of four seeds."""
    engine, found = ENGINES[engine](), set()
    for seed in range(4):
        torch.manual_seed(seed)
        found.add(float(engine.differentiable_loss(model, guide)))
    return found


@ignore_jit
@every_family
@every_site
@every_engine
def test_the_kl_term_has_zero_variance_across_seeds(engine, sample, count, name):
    q, p = make(name), prior_of(name)
    found = losses_over_seeds(engine, lambda: sample(p), lambda: sample(q))
    (loss,) = found
    assert loss == pytest.approx(count * kl_divergence(q, p).item(), rel=1e-5)
    assert_analytic_kl(lambda: sample(p), lambda: sample(q))


@ignore_jit
@pytest.mark.parametrize("name", WITH_KL_ACROSS_TEMPERATURES)
@every_engine
def test_zero_variance_holds_between_different_temperatures(engine, name):
    q = make(name, torch.linspace(0.1, 0.9, N), LOC.expand(N, K - 1), SCALE)
    p = prior_of(name, 0.7)
    found = losses_over_seeds(
        engine, lambda: sample_in_plates(p), lambda: sample_in_plates(q)
    )
    (loss,) = found
    assert loss == pytest.approx(2 * kl_divergence(q, p).sum().item(), rel=1e-5)


@every_family
def test_a_likelihood_that_ignores_the_latent_adds_no_variance(name):
    def model():
        sample_in_plates(prior_of(name))
        pyro.sample("x", dist.Normal(0.0, 1.0), obs=torch.tensor(2.0))

    def guide():
        sample_in_plates(make(name))

    assert len(losses_over_seeds("eager", model, guide)) == 1


def test_a_straight_through_guide_has_a_closed_form_to_a_relaxed_prior():
    q, p = make("straight_through"), prior_of("igr")
    found = losses_over_seeds(
        "eager", lambda: sample_in_plates(p), lambda: sample_in_plates(q)
    )
    assert len(found) == 1


SAME_TEMPERATURE = torch.tensor(0.5)
EQUAL = {
    "numbers": (0.5, 0.5, ("eager", "jit")),
    "one_tensor": (SAME_TEMPERATURE, SAME_TEMPERATURE, ("eager", "jit")),
    "equal_tensors": (SAME_TEMPERATURE, SAME_TEMPERATURE.clone(), ("eager",)),
}


@ignore_jit
@pytest.mark.parametrize(("one", "other", "engines"), EQUAL.values(), ids=EQUAL)
@pytest.mark.parametrize("tempering", ["weights", "softmax++", "vertex"])
def test_equal_temperatures_give_every_tempering_its_closed_form(
    tempering, one, other, engines
):
    q = make(f"stick_breaking_{tempering}", one)
    p = prior_of(f"stick_breaking_{tempering}", other)
    for engine in engines:
        found = losses_over_seeds(
            engine, lambda: sample_in_plates(p), lambda: sample_in_plates(q)
        )
        assert len(found) == 1
