"""More sticks in Pyro: parameters of modules, and optimizers of torch."""

import pytest
import torch
from pyro_families import fresh_host as fresh_host

from pyro_igr import (
    GEM,
    InfiniteIGR,
    grow,
    reorder,
    tail_start,
)

N, NEW = 2, 3
X = torch.tensor([-2.0, -1.9, 0.1, 2.0, 2.1], dtype=torch.float64)
ZEROS, ONES = torch.zeros(N).to(X), torch.ones(N).to(X)


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


def test_entries_of_a_module_are_left_out_or_split_along_any_dimension():
    table = torch.nn.Parameter(torch.arange(6.0).view(3, 2))
    optimizer = torch.optim.Adam([table])
    reorder(optimizer, [2, 2, 0, 1], {table: None}, 0)
    assert table.tolist() == [[4, 5], [4, 5], [0, 1], [2, 3]]
    reorder(optimizer, torch.tensor([1]), {table: None})
    assert table.tolist() == [[5], [5], [1], [3]]


def factored(parameters):
    optimizer = torch.optim.SGD(parameters, lr=0.1)  # with what Adafactor keeps
    for x in parameters:
        optimizer.state[x]["row_var"] = torch.ones(len(x), 1)
    return optimizer


def in_a_row(parameters):
    return torch.optim.LBFGS(parameters)


@pytest.mark.parametrize("make", [factored, in_a_row])
@pytest.mark.parametrize("chosen", [0, 1])
def test_moments_of_another_shape_are_refused_before_anything_changes(make, chosen):
    tables = [torch.nn.Parameter(torch.ones(3, 2)) for _ in range(2)]
    optimizer, table = make(tables), tables[chosen]

    def loss():
        optimizer.zero_grad()
        total = sum((x**2).sum() for x in tables)
        total.backward()
        return total

    optimizer.step(loss)
    before = table.detach().clone()
    with pytest.raises(ValueError, match="moments have the shape of a parameter"):
        reorder(optimizer, [2, 0, 1], {table: None}, 0)
    with pytest.raises(ValueError, match="moments have the shape of a parameter"):
        grow(optimizer, {table: torch.zeros(1, 2)}, 0)
    torch.testing.assert_close(table.detach(), before)
