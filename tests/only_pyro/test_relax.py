"""relax in Pyro: a distribution and automatic guides that only this host has."""

from functools import partial

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import infer
from pyro_families import fresh_host as fresh_host

from pyro_igr import (
    AutoIGR,
    TraceDiscreteKL_ELBO,
    TraceEnumeratedDiscrete_ELBO,
    discretize,
    relax,
)

PROBS = torch.tensor([0.1, 0.2, 0.4, 0.3])


def model(law):
    with pyro.plate("data", 3):
        z = pyro.sample("z", law)
        pyro.sample("x", dist.Normal(z @ torch.arange(4.0), 1.0), obs=torch.ones(3))


def test_straight_through_sites_of_the_host_are_relaxed():
    law = dist.OneHotCategoricalStraightThrough(PROBS)
    sites = pyro.poutine.trace(relax(model, 0.3)).get_trace(law).nodes
    torch.testing.assert_close(sites["z"]["fn"].probs, PROBS.expand(3, 4))


def test_a_count_without_a_bound_of_use_needs_the_number_of_sticks():
    program = relax(lambda: pyro.sample("z", dist.Poisson(1e6)), 0.3)
    with pytest.raises(ValueError, match="site 'z': expected num_sticks to be given"):
        program()


# The number of those whose mass is not negligible would change in training.
def test_a_count_that_is_trained_needs_the_number_of_sticks_or_a_low_bound():
    rate = torch.tensor(0.5, requires_grad=True)
    for law in dist.Poisson(rate), dist.Binomial(17, rate):
        program = relax(partial(pyro.sample, "z", law), 0.3)
        with pytest.raises(ValueError, match="'z': expected num_sticks to be given"):
            program()
    for law in dist.Bernoulli(rate), dist.Binomial(16, rate):
        assert relax(partial(pyro.sample, "z", law), 0.3)().shape == ()


def test_the_autoguides_of_the_host_take_a_relaxed_model():
    relaxed = relax(lambda: model(dist.OneHotCategorical(PROBS)), 1.0)
    guide = infer.autoguide.AutoNormal(relaxed)
    assert infer.Trace_ELBO().loss(relaxed, guide) > 0


class Mixture(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.centres = torch.nn.Parameter(torch.arange(4.0))

    def forward(self):
        z = pyro.sample("z", dist.OneHotCategorical(PROBS))
        pyro.sample("x", dist.Normal(z @ self.centres, 1.0), obs=torch.tensor(1.0))


def test_a_module_that_is_relaxed_or_discretized_keeps_its_parameters():
    relaxed = relax(Mixture(), 0.5)
    guide = AutoIGR(relaxed, 0.5)
    for pair in ((relaxed, guide), (discretize(relaxed), discretize(guide))):
        bound = TraceEnumeratedDiscrete_ELBO()(*pair)
        bound().backward()
        names = {name for name, x in bound.named_parameters() if x.grad is not None}
        assert sum(name.endswith("module.centres") for name in names) == 1
        assert len(names) == 2


# A count is computed in model and guide, and not drawn, where a warning is an error.
def test_a_guide_of_counts_that_is_relaxed_has_the_sites_of_its_model():
    x = torch.tensor(0.8)

    def counted():
        n = pyro.sample("n", dist.Bernoulli(0.3))
        pyro.sample("x", dist.Normal(n, 1.0), obs=x)

    def guide():
        pyro.sample("n", dist.Bernoulli(0.4))

    pair = relax(counted, 0.3), relax(guide, 0.3)
    loss = TraceEnumeratedDiscrete_ELBO(max_plate_nesting=0).loss(*pair)
    exact = infer.TraceEnum_ELBO(max_plate_nesting=0)
    assert loss == pytest.approx(exact.loss(counted, infer.config_enumerate(guide)))


def test_a_relaxed_model_is_conditioned_under_vmap():
    def model():
        pyro.sample("z", dist.OneHotCategorical(torch.tensor([0.2, 0.3, 0.5])))

    def density(point):
        given = pyro.condition(relax(model, 0.5), {"z": point})
        return pyro.poutine.trace(given).get_trace().log_prob_sum()

    points = torch.tensor([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    with pyro.validation_enabled(False):
        found = torch.func.vmap(density)(points)
    torch.testing.assert_close(found, torch.stack([density(x) for x in points]))


def test_programs_are_trained_without_the_symbolic_algebra_of_torch(monkeypatch):
    def model():
        with pyro.plate("data", 4):
            z = pyro.sample("z", dist.OneHotCategorical(torch.ones(3) / 3))
            n = pyro.sample("n", dist.Binomial(2, torch.tensor(0.5)))
            mean = z @ torch.arange(3.0) + n
            pyro.sample("x", dist.Normal(mean, 1.0), obs=torch.ones(4))

    monkeypatch.setattr(torch, "broadcast_shapes", None)
    relaxed = relax(model, 0.5)
    guide = AutoIGR(relaxed, 0.5)
    elbo = TraceDiscreteKL_ELBO()
    svi = infer.SVI(relaxed, guide, pyro.optim.Adam({"lr": 0.1}), elbo)
    assert svi.step() > 0
    assert infer.Trace_ELBO().loss(discretize(relaxed), discretize(guide)) > 0
