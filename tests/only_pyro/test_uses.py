"""A relaxed value that is compared, rounded or made an index is refused in Pyro."""

import math

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import TraceMeanField_ELBO
from pyro.ops.indexing import Vindex
from torch.nn import functional as F

from pyro_igr import (
    IGR,
    AutoIGR,
    IGRStraightThrough,
    TraceDiscreteKL_ELBO,
    TraceSTL_ELBO,
    relax,
    straight_through,
)
from pyro_igr.handlers._uses import check_uses

PAIR, TRIPLE = torch.tensor([0.1, 0.9]), torch.tensor([0.1, 0.5, 0.9])
EXP = dist.transforms.ExpTransform()
INVERSE = EXP.inv
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
        found = use(pyro.sample(site, SITES[site]()))
        if isinstance(found, dist.Distribution):
            pyro.sample("x", found, obs=torch.tensor(1.0))
        else:
            pyro.sample("x", dist.Normal(found, 1.0), obs=torch.tensor(1.0))

    return relax(model, 0.2, num_sticks=5)


def fill(b):
    means = torch.zeros(2)
    means[b > 0.5] = 1.0
    return means.sum()


def count_in_python(n):
    return sum((torch.tensor(1.0) for _ in range(int(n))), torch.tensor(0.0))


def with_mask(b):
    return dist.Normal(0.0, 1.0).mask(b > 0.5)


MISUSES = {
    "index": ("b", lambda b: PAIR[b.long()]),
    "index by a float": ("b", lambda b: PAIR[b]),
    "Vindex": ("b", lambda b: Vindex(PAIR)[b.long()]),
    "where": ("b", lambda b: torch.where(b > 0.5, 1.0, 0.0)),
    "equality": ("b", lambda b: (b == 1) * 2.0),
    "round": ("b", lambda b: b.round()),
    "floor of a function": ("b", lambda b: (b + 0.5).floor()),
    "branch": ("b", lambda b: 1.0 if b == 1 else 0.0),
    "embedding": ("b", lambda b: EMBEDDING(b.long()).squeeze(-1)),
    "assignment": ("b", fill),
    "mask": ("b", with_mask),
    "loop": ("n", count_in_python),
    "index by a count": ("n", lambda n: torch.arange(9.0)[n.long()]),
    "one_hot": ("n", lambda n: F.one_hot(n.long(), 9).float()[1]),
    "number of trials": ("n", lambda n: dist.Binomial(n, 0.5, validate_args=True)),
    "argmax": ("z", lambda z: TRIPLE[z.argmax(-1)]),
    "argmax beside a product": ("z", lambda z: TRIPLE[z.argmax(-1)] + z @ TRIPLE),
    "threshold of a product": ("z", lambda z: torch.where(z @ TRIPLE > 0.5, 1.0, 0.0)),
}


@pytest.mark.parametrize("use", MISUSES)
def test_a_misuse_is_refused_by_the_name_of_the_site(use):
    site, function = MISUSES[use]
    with pytest.raises(ValueError, match=f"site '{site}' is relaxed.*lookup"):
        AutoIGR(program(site, function), 0.2)()


USES = {
    "product": ("b", lambda b: 2 * b),
    "power": ("b", lambda b: PAIR[0] ** b * PAIR[1] ** (1 - b)),
    "clamp": ("b", lambda b: b.clamp(0.1, 0.9)),
    "nothing": ("b", lambda b: torch.tensor(0.0)),
    "rate": ("n", lambda n: dist.Poisson(n + 0.1, validate_args=True)),
    "transform": (
        "n",
        lambda n: dist.TransformedDistribution(dist.Normal(n, 1.0), EXP),
    ),
    "logsumexp": ("z", lambda z: (TRIPLE + z.log()).logsumexp(-1)),
    "matrix": ("z", lambda z: torch.einsum("i,i->", z, TRIPLE)),
    "network": ("z", lambda z: NETWORK(z).squeeze(-1)),
    "activation": ("z", lambda z: F.leaky_relu(z).sum()),
    "own activation": ("z", lambda z: torch.where(z > 0, z, 0.1 * z).sum()),
    "entropy": ("z", lambda z: torch.special.entr(z).sum()),
    "xlogy": ("z", lambda z: torch.xlogy(z, TRIPLE).sum()),
    "logaddexp": ("z", lambda z: torch.logaddexp(z[0], z[1])),
    "softmax": ("z", lambda z: z.softmax(-1) @ TRIPLE),
    "slice": ("z", lambda z: z[..., 0]),
    "vmap": ("z", lambda z: torch.func.vmap(torch.sin)(z).sum()),
    "straight_through": ("z", lambda z: straight_through(z) @ TRIPLE),
    "detached": ("z", lambda z: TRIPLE[z.detach().argmax(-1)]),
    "validated": ("z", lambda z: dist.Categorical(z, validate_args=True)),
    "geometric": ("z", lambda z: dist.Geometric(z[0], validate_args=True)),
}


@pytest.mark.parametrize("use", USES)
def test_a_differentiable_use_is_not_refused(use):
    check_uses(program(*USES[use]))


def test_a_report_of_the_category_is_no_misuse():
    def report(z):
        assert (z >= 0).all()
        pyro.deterministic("category", z.argmax(-1))
        return z @ TRIPLE

    check_uses(program("z", report))


def test_a_value_that_the_next_site_has_for_probabilities_is_no_misuse():
    def model():
        z = pyro.sample("z", dist.OneHotCategorical(torch.ones(3) / 3))
        pyro.sample("next", dist.OneHotCategorical(z))

    check_uses(relax(model, 0.5, family=IGR))


@pytest.mark.parametrize("engine", [TraceDiscreteKL_ELBO, TraceSTL_ELBO])
def test_our_objectives_refuse_a_misuse_in_the_model_of_a_hand_written_guide(engine):
    def model():
        z = pyro.sample("z", IGR.from_probs(0.5, torch.ones(3) / 3))
        pyro.sample("x", dist.Normal(TRIPLE[z.argmax(-1)], 1.0), obs=torch.tensor(1.0))

    def guide():
        pyro.sample("z", IGR(0.5, torch.zeros(2), torch.ones(2)))

    with pytest.raises(ValueError, match="site 'z' is relaxed"):
        engine().loss(model, guide)


def test_a_straight_through_value_needs_a_gradient_and_may_be_compared():
    def model(use):
        z = pyro.sample("z", IGRStraightThrough(0.5, torch.zeros(2), torch.ones(2)))
        pyro.sample("x", dist.Normal(use(z), 1.0), obs=torch.tensor(1.0))

    check_uses(model, (lambda z: z @ TRIPLE + TRIPLE[z.argmax(-1)],))
    with pytest.raises(ValueError, match="steps only"):
        check_uses(model, (lambda z: TRIPLE[z.argmax(-1)],))


def test_the_check_runs_once_and_leaves_the_random_state():
    runs = []

    def model():
        runs.append(1)
        pyro.sample("z", IGR.from_probs(0.5, torch.ones(3) / 3))

    elbo, guide = TraceDiscreteKL_ELBO(), AutoIGR(model, 0.5, scale=1.0)
    elbo.loss(model, guide)
    first = len(runs)
    elbo.loss(model, guide)
    assert len(runs) == first + 1
    torch.manual_seed(0)
    check_uses(model)
    drawn = torch.rand(())
    torch.manual_seed(0)
    assert drawn == torch.rand(())


def test_a_relaxed_model_with_products_is_scored():
    model = program("b", lambda b: 2 * b)
    loss = TraceMeanField_ELBO().loss(model, AutoIGR(model, 0.2))
    assert math.isfinite(loss)
