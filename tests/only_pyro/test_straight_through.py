"""Straight-through sites: sound with the closed-form KL, loudly unsound without it."""

import math
import warnings

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import infer
from pyro_families import LOC, SCALE, K, make
from pyro_families import fresh_host as fresh_host

N = 6
DATA = torch.eye(K)[torch.arange(N) % K]
PRIORS = ("igr", "straight_through")


def problem(prior):
    def model():
        with pyro.plate("data", N, subsample_size=3) as i:
            z = pyro.sample("z", make(prior, loc=torch.zeros(K - 1)))
            pyro.sample("x", dist.Normal(z, 0.25).to_event(1), obs=DATA[i])

    def guide():
        loc = pyro.param("loc", LOC.repeat(N, 1))
        scale = pyro.param("scale", SCALE.repeat(N, 1), dist.constraints.positive)
        with pyro.plate("data", N, subsample_size=3) as i:
            pyro.sample("z", make("straight_through", loc=loc[i], scale=scale[i]))

    return model, guide


def test_a_site_is_one_hot_with_the_gradient_of_a_relaxed_one():
    gradients = []
    for name in ("straight_through", "igr"):
        torch.manual_seed(0)
        loc = LOC.clone().requires_grad_()
        with pyro.plate("data", N):
            z = pyro.sample("z", make(name, loc=loc))
        (z * torch.arange(K)).sum().backward()
        gradients.append(loc.grad)
        one_hot = ((z == 0) | (z == 1)).all() & (z.sum(-1) == 1).all()
        assert one_hot == (name == "straight_through")
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("prior", PRIORS)
def test_training_with_the_closed_form_finds_the_categories(prior):
    model, guide = problem(prior)
    optim = pyro.optim.Adam({"lr": 0.1})
    svi = infer.SVI(model, guide, optim, infer.TraceMeanField_ELBO())
    losses = [svi.step() for _ in range(150)]
    assert all(map(math.isfinite, losses))
    probs = make("igr", loc=pyro.param("loc"), scale=pyro.param("scale")).probs
    assert torch.equal(probs.argmax(-1), DATA.argmax(-1))


MONTE_CARLO = {
    "Trace_ELBO": infer.Trace_ELBO,
    "JitTrace_ELBO": lambda: infer.JitTrace_ELBO(ignore_jit_warnings=True),
    "TraceGraph_ELBO": infer.TraceGraph_ELBO,
    "TraceEnum_ELBO": lambda: infer.TraceEnum_ELBO(strict_enumeration_warning=False),
    "RenyiELBO": lambda: infer.RenyiELBO(num_particles=2),
    "IWAE": lambda: infer.RenyiELBO(alpha=0, num_particles=2),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("engine", MONTE_CARLO)
def test_a_monte_carlo_bound_is_never_finite(engine, prior):
    model, guide = problem(prior)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        loss = float(MONTE_CARLO[engine]().loss_and_grads(model, guide))
    assert not math.isfinite(loss)
    assert any("loss" in str(w.message) for w in caught)
