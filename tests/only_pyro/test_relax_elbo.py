"""TraceRELAX_ELBO in Pyro: parameters that lie in the store, and modules."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import SVI
from pyro.nn import PyroModule, PyroParam
from pyro_families import fresh_host as fresh_host
from torch.distributions import constraints

from pyro_igr import IGR, ControlNetwork, ExpIGR, IGRStickBreaking, TraceRELAX_ELBO

K = 3
LOGITS = torch.linspace(-0.5, 0.5, K).double()
WEIGHTS, IMAGES = (x.double() for x in (torch.eye(K)[:, :2], torch.eye(2)))


def one_hot(logits):
    return dist.OneHotCategorical(logits=logits)


def model():
    weights = pyro.param("weights", WEIGHTS.clone())
    prior = pyro.param("prior", LOGITS.clone())
    a = pyro.sample("a", one_hot(LOGITS))
    with pyro.plate("data", 2):
        b = pyro.sample("b", one_hot(prior))
        x = dist.Bernoulli(logits=2 * (a + b) @ weights)
        pyro.sample("x", x.to_event(1), obs=IMAGES)


def guide():
    a = pyro.param("a_", torch.zeros(2, K - 1).double())
    b = pyro.param("b_", torch.zeros(2, 2, K - 1).double())
    pyro.sample("a", IGR(0.5, a[0], a[1].exp()))
    with pyro.plate("data", 2):
        pyro.sample("b", IGRStickBreaking(0.5, b[0], b[1].exp()))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(K, 1).double()

    def forward(self, z):
        return self.last(z["a"]).squeeze(-1)


def test_svi_trains_every_parameter_with_particles_in_turn():
    engine = TraceRELAX_ELBO(num_particles=2, control_variate=Net())
    svi = SVI(model, guide, pyro.optim.Adam({"lr": 0.1}), engine)
    svi.step()
    names = [name for name, _ in pyro.get_param_store().named_parameters()]
    before = {name: pyro.param(name).clone() for name in names}
    assert any("last.weight" in name for name in names)
    losses = [svi.step() for _ in range(24)]
    for name, value in before.items():
        assert (pyro.param(name) != value).all(), name
    assert sum(losses[-12:]) < sum(losses[:12])


@pytest.mark.parametrize("is_network", [False, True])
def test_a_gaussian_distribution_of_log_z_is_as_that_of_z(is_network):
    found = []
    for law in (IGR, ExpIGR):

        def model(law=law):
            z = pyro.sample("z", law(0.5, LOGITS[1:], LOGITS[1:].exp()))
            mean = (z.exp() if law is ExpIGR else z) @ WEIGHTS
            pyro.sample("x", dist.Normal(mean, 0.5).to_event(1), obs=IMAGES[0])

        def guide(law=law):
            start = pyro.param("start", LOGITS.flip(0).clone())
            pyro.sample("z", law(0.5, start[1:], start[1:].exp()))

        function = ControlNetwork(4) if is_network else None
        engine = TraceRELAX_ELBO(name="relax", control_variate=function)
        torch.manual_seed(0)
        engine.differentiable_loss(model, guide).backward()
        found.append(pyro.param("start").grad)
        pyro.clear_param_store()
    torch.testing.assert_close(*found)


def test_engines_in_one_store_do_not_share_parameters():
    engines = [TraceRELAX_ELBO(control_variate=ControlNetwork(n)) for n in (2, 3)]
    for engine, num_hidden in zip(engines, (2, 3), strict=True):
        engine.differentiable_loss(model, guide)
        output = pyro.param(f"{engine.name}_output_a")
        assert output.shape == (num_hidden + 1,)
        pyro.param(f"{engine.name}_scale").data.fill_(num_hidden)
    names = [engine.name for engine in engines]
    assert [pyro.param(f"{name}_scale").item() for name in names] == [2, 3]


def test_engines_of_one_name_share_parameters():
    for temperature in (0.3, 0.7):
        engine = TraceRELAX_ELBO(name="mine", temperature=temperature)
        engine.differentiable_loss(model, guide)
        assert pyro.param("mine_temperature").item() == pytest.approx(0.3)
    assert TraceRELAX_ELBO().name not in ("mine", engine.name)


def test_parameters_in_a_subsampled_plate_are_those_of_its_points():
    points = torch.tensor([0, 2])

    def part():
        return pyro.plate("data", 4, subsample=points)

    def prior():
        with part():
            pyro.sample("b", one_hot(LOGITS))

    def posterior():
        with part():
            loc = pyro.param("loc", torch.zeros(4, K - 1).double(), event_dim=1)
            pyro.sample("b", IGR(0.5, loc, torch.ones(K - 1)))

    SVI(prior, posterior, pyro.optim.Adam({"lr": 0.1}), TraceRELAX_ELBO()).step()
    is_moved = (pyro.param("loc") != 0).any(-1)
    assert is_moved.tolist() == [True, False, True, False]


class ModuleOfParameters(PyroModule):
    def __init__(self):
        super().__init__()
        self.loc = torch.nn.Parameter(torch.zeros(2).double())
        self.scale = PyroParam(torch.ones(2).double(), constraints.positive)

    def forward(self):
        pyro.sample("a", IGRStickBreaking(0.5, self.loc, self.scale))


def test_parameters_of_a_module_that_keeps_its_own_are_as_those_of_the_store():
    def gradients(is_local):
        pyro.clear_param_store()
        pyro.set_rng_seed(0)
        with pyro.settings.context(module_local_params=is_local):
            module = ModuleOfParameters()
            loss = TraceRELAX_ELBO()(lambda: pyro.sample("a", one_hot(LOGITS)), module)
            loss().backward()
        return [p.grad for p in module.parameters()]

    for own, stored in zip(gradients(True), gradients(False), strict=True):
        assert own.abs().sum() > 0
        torch.testing.assert_close(own, stored)
