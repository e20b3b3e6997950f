"""TraceSTL_ELBO in Pyro: no gradient at the posterior, the ordinary one in mean."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import Trace_ELBO
from pyro_families import fresh_host as fresh_host
from torch.distributions import constraints

from pyro_igr import (
    IGR,
    ExpIGR,
    IGRStickBreaking,
    StickBreakingTransform,
    TraceSTL_ELBO,
)

N, X = 3, torch.tensor([[0.7, -0.4], [0.1, 0.9], [-1.2, 0.3]]).double()
ZERO, ONE = torch.zeros(2).double(), torch.ones(2).double()


def alr(log_z, tau):
    return tau * (log_z[..., :-1] - log_z[..., -1:])


LAWS = {
    "igr": (IGR, lambda z, tau: alr(z.log(), tau)),
    "exp_igr": (ExpIGR, alr),
    "sticks": (IGRStickBreaking, lambda z, tau: StickBreakingTransform(tau).inv(z)),
}


def categorical(name, tau, loc, scale):
    """Observed Gaussians of a relaxed code: the posterior is in the family."""
    law, to_gaussians = LAWS[name]

    def model():
        with pyro.plate("data", N, subsample_size=2) as i:
            z = pyro.sample("z", law(2 * tau, 2 * ZERO, 2 * ONE))
            x = dist.Normal(to_gaussians(z, tau), 0.5).to_event(1)
            pyro.sample("x", x, obs=X[i])

    def guide():
        m = pyro.param("loc", loc.clone())
        s = pyro.param("scale", scale.clone(), constraint=constraints.positive)
        with pyro.plate("data", N, subsample_size=2) as i:
            pyro.sample("z", law(tau, m[i], s[i]))

    return model, guide


def chain(slope):
    """Two Gaussians, the second given the first in model and guide."""
    x = torch.tensor(0.6).double()

    def model():
        a = pyro.sample("a", dist.Normal(ZERO[0], 1.0))
        b = pyro.sample("b", dist.Normal(a, 1.0))
        pyro.sample("x", dist.Normal(b, 1.0), obs=x)

    def guide():
        a = pyro.param("a_loc", x / 3), pyro.param("a_scale", (2 * ONE[0] / 3).sqrt())
        a = pyro.sample("a", dist.Normal(*a))
        slope_ = pyro.param("slope", slope * ONE[0])
        scale = pyro.param("b_scale", (ONE[0] / 2).sqrt())
        pyro.sample("b", dist.Normal(slope_ * (a + x), scale))

    return model, guide


POSTERIOR = 0.8 * X, (0.2 * ONE).sqrt().expand(N, 2)


def gradients(engine, pair):
    engine.differentiable_loss(*pair).backward()
    parameters = [p for _, p in pyro.get_param_store().named_parameters()]
    found = torch.cat([p.grad.flatten() for p in parameters])
    for p in parameters:
        p.grad = None
    return found


@pytest.mark.parametrize("name", LAWS)
def test_the_gradient_is_zero_where_the_guide_is_the_posterior(name):
    pair = categorical(name, 0.5, *POSTERIOR)
    assert gradients(TraceSTL_ELBO(), pair).abs().max() < 1e-12
    assert gradients(Trace_ELBO(), pair).abs().max() > 0.1


def test_it_is_zero_for_sites_that_depend_on_one_another():
    assert gradients(TraceSTL_ELBO(), chain(0.5)).abs().max() < 1e-12
    assert gradients(Trace_ELBO(), chain(0.5)).abs().max() > 0.01


PARTICLES = {"num_particles": 200, "vectorize_particles": True}


@pytest.mark.parametrize("pair", [categorical("igr", 0.5, X, 0.7 + 0 * X), chain(0.2)])
def test_it_has_the_mean_of_the_ordinary_gradient(pair):
    def draws(engine):
        engine = engine(**PARTICLES, max_plate_nesting=1)
        return torch.stack([gradients(engine, pair) for _ in range(200)])

    sticking, ordinary = draws(TraceSTL_ELBO), draws(Trace_ELBO)
    error = ((sticking.var(0) + ordinary.var(0)) / 200).sqrt()
    assert ((sticking.mean(0) - ordinary.mean(0)).abs() < 4.5 * error).all()
    assert ordinary.mean(0).norm() > 10 * error.norm()


@pytest.mark.parametrize("law", [IGR, IGRStickBreaking])
def test_it_is_exact_at_a_temperature_at_which_samples_underflow(law):
    loc = torch.randn(50, 9)

    def model():
        with pyro.plate("data", 50):
            pyro.sample("z", law(0.01, loc, torch.ones(9)))

    def guide():
        m = pyro.param("loc", loc.clone())
        with pyro.plate("data", 50):
            z = pyro.sample("z", law(0.01, m, torch.ones(9)))
        assert (z == 0).any()

    assert TraceSTL_ELBO().loss(model, guide) == pytest.approx(0, abs=1e-3)
    assert gradients(TraceSTL_ELBO(), (model, guide)).abs().max() < 1e-3


def test_a_prior_of_another_family_is_pulled_back():
    loc, scale = torch.tensor([0.3, -0.6]).double(), torch.tensor([0.8, 1.1]).double()

    def model():
        pyro.sample("z", dist.Dirichlet(2 * torch.ones(3).double()))

    def guide():
        pyro.sample("z", IGR(0.5, loc, scale))

    found = []
    for engine in (TraceSTL_ELBO, Trace_ELBO):
        torch.manual_seed(0)
        found.append(engine().loss(model, guide))
    assert found[0] == pytest.approx(found[1], rel=1e-10)
