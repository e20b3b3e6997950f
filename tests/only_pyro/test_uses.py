"""A relaxed value that is compared, rounded or made an index by means of Pyro."""

import math

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import TraceMeanField_ELBO
from pyro.ops.indexing import Vindex
from pyro_families import fresh_host as fresh_host
from torch.func import grad, vmap
from torch.nn import functional as F

from pyro_igr import IGR, AutoIGR, relax
from pyro_igr.handlers._uses import check_uses

ONE = torch.tensor(1.0)
PAIR, TRIPLE = torch.tensor([0.1, 0.9]), torch.tensor([0.1, 0.5, 0.9])
EMBEDDING = torch.nn.Embedding(2, 1)
NETWORK = torch.nn.Sequential(
    torch.nn.Linear(3, 4),
    torch.nn.LeakyReLU(),
    torch.nn.Linear(4, 1),
    torch.nn.Softplus(),
)
SITES = {
    "b": lambda: dist.Bernoulli(torch.tensor(0.9)),
    "n": lambda: dist.Poisson(torch.tensor(2.0)),
    "z": lambda: dist.OneHotCategorical(torch.ones(3) / 3),
}


def program(site, use):
    """A model with one discrete site, on which the mean of an observation depends."""

    def model():
        mean = use(pyro.sample(site, SITES[site]()))
        pyro.sample("x", dist.Normal(mean, 1.0), obs=torch.tensor(1.0))

    return relax(model, 0.2, num_sticks=5)


def report(z):
    mean = z @ TRIPLE
    assert 0 < float(mean) < 1
    return mean


def fill(b):
    means = torch.zeros(2)
    means[b > 0.5] = 1.0
    return means.sum()


def in_columns(function, z):
    return vmap(function, in_dims=1, out_dims=1)(z[None])[0]


def with_steps(z):
    return z.sum(), z.round() @ TRIPLE


MISUSES = {
    "Vindex": ("b", lambda b: Vindex(PAIR)[b.long()]),
    "embedding": ("b", lambda b: EMBEDDING(b.long()).squeeze(-1)),
    "assignment": ("b", fill),
    "index by a count": ("n", lambda n: torch.arange(9.0)[n.long()]),
    "one_hot": ("n", lambda n: F.one_hot(n.long(), 9).float()[1]),
    "float": ("b", lambda b: PAIR.new_tensor(float(b))),
    "integer of a product": ("z", lambda z: TRIPLE[int(z[0] * 3)]),
    "branch by a product": ("z", lambda z: TRIPLE[1 if z @ TRIPLE > 0.5 else 0]),
    "comparison in place": ("b", lambda b: b.clone().gt_(0.5)),
    "equality in place": ("b", lambda b: b.clone().eq_(1)),
    "draw": ("b", torch.bernoulli),
    "draw of a product": ("z", lambda z: torch.poisson(z @ TRIPLE)),
    "number of a truth": ("z", lambda z: PAIR[int((z > 0.5).any())]),
    "histogram": ("z", lambda z: torch.histc(z, 2, 0, 1)[0]),
    "division of a number": ("b", lambda b: 1.5 // (b + 1)),
    "rounded quotient": ("b", lambda b: torch.div(b, 0.5, rounding_mode="floor")),
    "number of an arange": ("b", lambda b: torch.arange(b).sum()),
    "repeat": ("b", lambda b: PAIR.repeat(b).sum()),
    "repeat_interleave": ("b", lambda b: PAIR.repeat_interleave(b).sum()),
    "size": ("b", lambda b: torch.eye(b).sum()),
    "size of parts": ("n", lambda n: TRIPLE.split(n + 1)[0].sum()),
    "special.round": ("b", torch.special.round),
    "vmap": ("z", lambda z: vmap(lambda x: torch.where(x > 0.5, 1.0, 0.0))(z) @ TRIPLE),
    "fraction": ("n", torch.frac),
    "remainder of a number": ("n", lambda n: 7 % n),
    "remainder in place": ("n", lambda n: n.clone().remainder_(2)),
    "axis of a vmap": ("z", lambda z: in_columns(torch.round, z) @ TRIPLE),
    "vmap of a vmap": ("z", lambda z: vmap(vmap(torch.round))(z[None])[0] @ TRIPLE),
    "gradient": ("z", lambda z: grad(lambda w: w * (z @ TRIPLE).round())(ONE)),
    "part of a gradient": ("z", lambda z: grad(with_steps, has_aux=True)(z)[1]),
}


@pytest.mark.parametrize("use", MISUSES)
def test_a_misuse_by_functions_of_torch_is_refused_by_name(use):
    site, function = MISUSES[use]
    with pytest.raises(ValueError, match=f"site '{site}' is relaxed.*lookup"):
        AutoIGR(program(site, function), 0.2)()


USES = {
    "logsumexp": lambda z: (TRIPLE + z.log()).logsumexp(-1),
    "network": lambda z: NETWORK(z).squeeze(-1),
    "activation": lambda z: F.leaky_relu(z).sum(),
    "own activation": lambda z: torch.where(z > 0, z, 0.1 * z).sum(),
    "entropy": lambda z: torch.special.entr(z).sum(),
    "xlogy": lambda z: torch.xlogy(z, TRIPLE).sum(),
    "parts": lambda z: torch.split(tensor=z, split_size_or_sections=2)[0].sum(),
    "vmap": lambda z: vmap(torch.sin)(z).sum(),
    "vmap beside steps": lambda z: vmap(torch.sin)(z).sum() + (z.sin() > 0.5).sum(),
    "columns beside steps": lambda z: (
        in_columns(torch.sin, z).sum() + (z.sin() > 0.5).sum()
    ),
    "gradient": lambda z: grad(lambda x: (x @ TRIPLE).sin())(z).sum(),
    "report": report,
    "assertion": lambda z: z.sum() if (z >= 0).all() else 0 * z.sum(),
    "assertions": lambda z: z.sum() if (z >= 0).all() & (z < 2).all() else z[0],
    "assertion in Python": lambda z: z.sum() if (z >= 0).all().item() else z[0],
}


@pytest.mark.parametrize("use", USES)
def test_a_differentiable_use_by_functions_of_torch_is_not_refused(use):
    check_uses(program("z", USES[use]))


def test_the_check_leaves_the_random_state():
    def model():
        pyro.sample("z", IGR(0.5, torch.zeros(2), torch.ones(2)))

    torch.manual_seed(0)
    check_uses(model)
    drawn = torch.rand(())
    torch.manual_seed(0)
    assert drawn == torch.rand(())


def test_a_relaxed_model_with_products_is_scored():
    model = program("b", lambda b: 2 * b)
    loss = TraceMeanField_ELBO().loss(model, AutoIGR(model, 0.2))
    assert math.isfinite(loss)
