"""Engines that only Pyro has, and what they make of IGR sites."""

from functools import partial

import pyro
import pyro.distributions as dist
import pytest
import torch
from cases import LAWS
from pyro import infer
from pyro_families import LOC, SCALE, K, every_family, make, on_simplex
from pyro_families import fresh_host as fresh_host

NUM_DATA, BATCH_SIZE = 6, 3
DATA = torch.linspace(-1, 1, 2 * NUM_DATA).reshape(NUM_DATA, 2)
JIT = {"ignore_jit_warnings": True}
SAMPLED = {"infer": {"enumerate": "parallel", "num_samples": 2}}

ENGINES = {
    "JitTrace_ELBO": lambda: infer.JitTrace_ELBO(**JIT),
    "JitTraceMeanField_ELBO": lambda: infer.JitTraceMeanField_ELBO(**JIT),
    "TraceEnum_ELBO": lambda: infer.TraceEnum_ELBO(
        max_plate_nesting=1, strict_enumeration_warning=False
    ),
    "TraceTMC_ELBO": lambda: infer.TraceTMC_ELBO(max_plate_nesting=1),
    "EnergyDistance": lambda: infer.EnergyDistance(prior_scale=0.1, num_particles=2),
    "ReweightedWakeSleep": lambda: infer.ReweightedWakeSleep(num_particles=2),
}
ANALYTIC = ("JitTraceMeanField_ELBO",)


def problem(name, **options):
    """A model of data with one latent each, and its guide."""

    def model():
        weights = pyro.param("weights", torch.eye(K, 2))
        with pyro.plate("data", NUM_DATA, subsample_size=BATCH_SIZE) as i:
            prior = make(name, loc=torch.zeros(K - 1), scale=torch.ones(K - 1))
            z = on_simplex(name, pyro.sample("z", prior, **options))
            pyro.sample("x", dist.Normal(z @ weights, 0.5).to_event(1), obs=DATA[i])

    def guide():
        loc = pyro.param("loc", LOC.repeat(NUM_DATA, 1))
        log_scale = pyro.param("log_scale", SCALE.log().repeat(NUM_DATA, 1))
        with pyro.plate("data", NUM_DATA, subsample_size=BATCH_SIZE) as i:
            law = make(name, loc=loc[i], scale=log_scale[i].exp())
            pyro.sample("z", law, **options)

    return model, guide


def trainable(engine):
    """Distributions this engine can score: a one-hot value has no density."""
    return [n for n in LAWS if n != "straight_through" or engine in ANALYTIC]


PAIRS = [(engine, name) for engine in ENGINES for name in trainable(engine)]


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize(("engine", "name"), PAIRS)
def test_every_engine_of_pyro_alone_has_finite_losses_and_gradients(engine, name):
    options = SAMPLED if engine == "TraceTMC_ELBO" else {}
    model, guide = problem(name, **options)
    svi = infer.SVI(model, guide, pyro.optim.SGD({"lr": 0.0}), ENGINES[engine]())
    loss = torch.as_tensor(svi.loss_and_grads(model, guide))
    assert loss.isfinite().all()
    for _, parameter in pyro.get_param_store().named_parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().sum() > 0


PARTICLES = {"num_particles": 500, "vectorize_particles": True, "max_plate_nesting": 1}


def losses(make_engine, name, count=20):
    engine, (model, guide) = make_engine(**PARTICLES), problem(name)
    return torch.tensor([engine.loss(model, guide) for _ in range(count)])


@pytest.mark.parametrize("name", trainable("TraceEnum_ELBO"))
def test_the_enumerating_engine_estimates_the_bound_of_the_closed_form(name):
    make = partial(infer.TraceEnum_ELBO, strict_enumeration_warning=False)
    exact, noisy = losses(infer.TraceMeanField_ELBO, name), losses(make, name)
    error = (exact.var() / len(exact) + noisy.var() / len(noisy)).sqrt()
    assert abs(exact.mean() - noisy.mean()) < 4 * error


@every_family
def test_training_in_subsampled_plates_lowers_the_bound(name):
    model, guide = problem(name)
    before = losses(infer.TraceMeanField_ELBO, name).mean()
    optim = pyro.optim.Adam({"lr": 0.12})
    svi = infer.SVI(model, guide, optim, infer.TraceMeanField_ELBO())
    for _ in range(20):
        svi.step()
    after = losses(infer.TraceMeanField_ELBO, name).mean()
    assert after < before - 1


def test_enum_sums_out_a_discrete_site_beside_an_igr_one():
    x, shift = torch.tensor([0.2, 0.4]), torch.tensor([-1.0, 1.0])
    weights = torch.tensor([0.3, 0.7])

    def prior():
        return pyro.sample("z", make("igr", loc=torch.zeros(K - 1)))

    def enumerated():
        mean = prior()[:2]
        c = pyro.sample("c", dist.Categorical(weights), infer={"enumerate": "parallel"})
        mean = mean + shift[c].unsqueeze(-1)
        pyro.sample("x", dist.Normal(mean, 1.0).to_event(1), obs=x)

    def by_hand():
        components = dist.Normal(prior()[:2] + shift.unsqueeze(-1), 1.0).to_event(1)
        law = dist.MixtureSameFamily(dist.Categorical(weights), components)
        pyro.sample("x", law, obs=x)

    def guide():
        pyro.sample("z", make("igr"))

    found = []
    engine = infer.TraceEnum_ELBO(max_plate_nesting=0)
    for model, elbo in ((enumerated, engine), (by_hand, infer.Trace_ELBO())):
        torch.manual_seed(0)
        found.append(elbo.loss(model, guide))
    assert found[0] == pytest.approx(found[1], abs=1e-5)
