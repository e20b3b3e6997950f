"""IGRFlow in Pyro: flows of the host, in plates, trained."""

import pyro
import pytest
import torch
from pyro import infer
from pyro.distributions import OneHotCategorical, transforms
from pyro.distributions.transforms import affine_coupling, planar, spline
from pyro_families import fresh_host as fresh_host

from pyro_igr import (
    IGRFlow,
    PlanarTransform,
    assert_analytic_kl,
    discretize,
)

FLOWS = {
    "spline": lambda: spline(3, count_bins=4),
    "coupling": lambda: affine_coupling(3, hidden_dims=[4]),
    "list": lambda: [PlanarTransform(torch.ones(3), torch.ones(3)), spline(3)],
}
HOSTS_OWN = (
    "affine_autoregressive",
    "block_autoregressive",
    "householder",
    "matrix_exponential",
    "neural_autoregressive",
    "permute",
    "polynomial",
    "radial",
    "spline_autoregressive",
    "spline_coupling",
    "sylvester",
)


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_any_bijection_of_the_host_scores_values_it_has_not_made(flow):
    law = IGRFlow(0.5, torch.zeros(3), torch.ones(3), flow())
    z = law.sample((200,)).clone()
    y = law.transforms[0].inv(z)
    assert law.log_prob(z).isfinite().all()
    torch.testing.assert_close(law.transforms[0](y), z, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", HOSTS_OWN)
def test_flows_of_the_host_are_bijections(name):
    law = IGRFlow(0.5, torch.zeros(3), torch.ones(3), getattr(transforms, name)(3))
    assert law.sample().shape == (4,)


def test_a_map_onto_the_simplex_is_refused():
    with pytest.raises(ValueError, match="got SoftmaxTransform from"):
        IGRFlow(0.5, torch.zeros(3), torch.ones(3), transforms.SoftmaxTransform())


def test_a_flow_of_the_host_without_an_inverse_is_refused_where_it_needs_one():
    law = IGRFlow(0.5, torch.zeros(3), torch.ones(3), planar(3))
    assert law.sample().shape == (4,)
    with pytest.raises(ValueError, match="got Planar, which"):
        law.log_prob(torch.ones(4) / 4)


def test_it_trains_in_plates_with_the_closed_form_and_is_discretized():
    u, w = (torch.nn.Parameter(torch.randn(3)) for _ in range(2))
    flow = PlanarTransform(u, w)

    def model():
        with pyro.plate("data", 4):
            z = pyro.sample("z", IGRFlow(0.5, torch.zeros(3), torch.ones(3), flow))
            pyro.factor("likelihood", 5 * z[..., 0])

    def guide():
        loc = pyro.param("loc", torch.zeros(4, 3))
        with pyro.plate("data", 4):
            pyro.sample("z", IGRFlow(0.5, loc, torch.ones(3), flow))

    assert_analytic_kl(model, guide)
    infer.TraceMeanField_ELBO().differentiable_loss(model, guide).backward()
    assert u.grad.abs().max() > 0
    trace = pyro.poutine.trace(discretize(guide)).get_trace()
    assert isinstance(trace.nodes["z"]["fn"], OneHotCategorical)


def test_planar_layers_are_made_without_the_symbolic_algebra_of_torch(monkeypatch):
    monkeypatch.setattr(torch, "broadcast_shapes", None)
    flow = [PlanarTransform(torch.ones(2), torch.ones(2), 0.5)]
    law = IGRFlow(0.5, torch.zeros(4, 2), torch.ones(2), flow)
    assert law.log_prob(law.rsample()).shape == (4,)
