"""More sticks while a model trains: the same bound, and the optimizer goes on."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import SVI, TraceMeanField_ELBO
from pyro.optim import Adam, ClippedAdam, ExponentialLR
from pyro_families import fresh_host as fresh_host
from torch.distributions.constraints import positive

from pyro_igr import (
    GEM,
    InfiniteIGR,
    grow,
    reorder,
    reordered_start,
    tail_start,
)

N, NEW = 2, 3
X = torch.tensor([-2.0, -1.9, 0.1, 2.0, 2.1], dtype=torch.float64)
ZEROS, ONES = torch.zeros(N).to(X), torch.ones(N).to(X)
TAIL = dist.Normal(torch.tensor(0.3).to(X), torch.tensor(1.4).to(X))


def model(x):
    """A mixture whose rest, and all components to come, has the mean 0."""
    means = pyro.param("means", ZEROS.clone)
    loc, scale = tail_start(InfiniteIGR(None, ZEROS, ONES, tail=TAIL), len(means))
    weights = pyro.sample("weights", InfiniteIGR(None, loc, scale, 1.0, tail=TAIL))
    components = dist.Normal(torch.cat([means, means.new_zeros(1)]), 0.5)
    with pyro.plate("data", len(x)):
        mixture = dist.MixtureSameFamily(dist.Categorical(weights), components)
        pyro.sample("x", mixture, obs=x)


def guide(x):
    loc = pyro.param("loc", ZEROS.clone)
    scale = pyro.param("scale", ONES.clone, constraint=positive)
    pyro.sample("weights", InfiniteIGR(None, loc, scale, 1.0, tail=TAIL))


def start():
    loc, scale = tail_start(InfiniteIGR(None, ZEROS, ONES, tail=TAIL), NEW)
    return {"loc": loc, "scale": scale.log(), "means": torch.zeros(NEW)}


def bound():
    """With the same noise for the sticks that were there."""
    torch.manual_seed(1)
    with torch.no_grad():
        return TraceMeanField_ELBO().loss(model, guide, X)


OPTIMIZERS = {
    "adam": lambda: Adam({"lr": 0.05}),
    "clipped": lambda: ClippedAdam({"lr": 0.05}),
    "scheduled": lambda: ExponentialLR(
        {"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.05}, "gamma": 0.99}
    ),
}


def moments(optimizer):
    """By parameter, a copy of what the optimizer remembers."""
    store = pyro.get_param_store()
    found = {}
    for name in store:
        parameter = store[name].unconstrained()
        inner = optimizer.optim_objs[parameter]
        state = getattr(inner, "optimizer", inner).state[parameter]
        found[name] = {k: torch.as_tensor(v).clone() for k, v in state.items()}
    return found


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_growing_keeps_the_bound_and_the_moments_and_training_goes_on(make):
    optimizer = make()
    svi = SVI(model, guide, optimizer, TraceMeanField_ELBO())
    for _ in range(20):
        svi.step(X)
    loss, before = bound(), moments(optimizer)
    grow(optimizer, start())
    assert pyro.param("loc").shape == pyro.param("means").shape == (N + NEW,)
    assert (pyro.param("scale")[N:] - 1.4).abs().max() < 1e-7
    assert abs(bound() - loss) < 1e-12 * abs(loss)
    for name, state in moments(optimizer).items():
        for key, moment in state.items():
            old = before[name][key]
            torch.testing.assert_close(moment[:N] if old.shape else moment, old)
            assert not moment[N:].any() if old.shape else moment == 20
    for _ in range(100):
        svi.step(X)
    assert bound() < loss
    assert (pyro.param("means")[N:] != 0).any()


def test_a_gem_tail_changes_the_bound_by_its_distance_from_a_gaussian():
    tail = GEM(torch.tensor(2.0), 1)
    law = InfiniteIGR(None, ZEROS, ONES, tail=tail)
    loc, scale = (
        torch.cat([x, y])
        for x, y in zip((ZEROS, ONES), tail_start(law, 1), strict=True)
    )
    more = InfiniteIGR(None, loc, scale, tail=tail)
    kl = torch.distributions.kl_divergence
    change = kl(more, tail) - kl(law, tail)
    assert 0 < change < 0.05


def test_the_parameters_of_a_module_grow_in_place_with_a_torch_optimizer():
    module = torch.nn.Linear(2, 3)
    weight, optimizer = module.weight, torch.optim.Adam(module.parameters())
    x = torch.randn(5, 2)

    def step():
        optimizer.zero_grad()
        module(x).square().sum().backward()
        optimizer.step()

    step()
    old, expected = weight.detach().clone(), optimizer.state[weight]["exp_avg"].clone()
    output = module(x).detach()
    grow(optimizer, {module.weight: torch.ones(2, 2), module.bias: torch.ones(2)}, 0)
    assert module.weight is weight
    torch.testing.assert_close(weight[:3], old)
    torch.testing.assert_close(module(x)[:, :3], output)
    assert module(x).shape == (5, 5)
    torch.testing.assert_close(optimizer.state[weight]["exp_avg"][:3], expected)
    step()
    assert (weight[3:] != 1).all()
    assert optimizer.state[weight]["step"] == 2


def test_a_start_that_does_not_fit_a_parameter_of_a_module_is_refused():
    module = torch.nn.Linear(2, 3)
    optimizer = torch.optim.Adam(module.parameters())
    with pytest.raises(ValueError, match="start of a parameter .* got \\(1, 3\\)"):
        grow(optimizer, {module.weight: torch.ones(1, 3)}, 0)


def test_entries_move_with_their_moments_and_sticks_get_new_values():
    optimizer = Adam({"lr": 0.05})
    svi = SVI(model, guide, optimizer, TraceMeanField_ELBO())
    for _ in range(20):
        svi.step(X)
    old, before = pyro.param("means").clone(), moments(optimizer)
    law = InfiniteIGR(None, pyro.param("loc"), pyro.param("scale"), 1.0, tail=TAIL)
    loc, scale = reordered_start(law, [1, 0])
    reorder(optimizer, [1, 0], {"means": None, "loc": loc, "scale": scale.log()})
    torch.testing.assert_close(pyro.param("means").detach(), old.flip(0).detach())
    torch.testing.assert_close(pyro.param("loc").detach(), loc)
    torch.testing.assert_close(pyro.param("scale").detach(), scale)
    for name, state in moments(optimizer).items():
        for key, moment in state.items():
            expected = before[name][key]
            expected = expected.flip(0) if expected.shape else expected
            torch.testing.assert_close(moment, expected)
    svi.step(X)


def test_entries_are_left_out_or_split_along_any_dimension():
    table = torch.nn.Parameter(torch.arange(6.0).view(3, 2))
    optimizer = torch.optim.Adam([table])
    reorder(optimizer, [2, 2, 0, 1], {table: None}, 0)
    assert table.tolist() == [[4, 5], [4, 5], [0, 1], [2, 3]]
    reorder(optimizer, torch.tensor([1]), {table: None})
    assert table.tolist() == [[5], [5], [1], [3]]
