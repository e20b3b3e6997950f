"""discretize in Pyro: the engine that enumerates takes a discretized guide."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import infer
from pyro_families import LOC, make
from pyro_families import fresh_host as fresh_host

from pyro_igr import IGR, discretize, relax

X = torch.tensor([[0.5], [-1.0], [1.5]])
MEANS = torch.tensor([[-1.0], [0.0], [1.0], [2.0]])
PRIOR = torch.tensor([0.1, 0.2, 0.3, 0.4])


def mixture():
    with pyro.plate("data", len(X)):
        z = pyro.sample("z", IGR.from_probs(0.5, PRIOR))
        pyro.sample("x", dist.Normal(z @ MEANS, 1.0).to_event(1), obs=X)


def mixture_guide():
    with pyro.plate("data", len(X)):
        pyro.sample("z", make("igr", loc=LOC * torch.ones(len(X), 1)))


def enumerated():
    """The bound and the evidence, by summing over the categories."""
    log_q = make("igr").logits
    components = dist.Normal(MEANS, 1.0).log_prob(X.unsqueeze(1)).squeeze(-1)
    joint = PRIOR.log() + components
    return (log_q.exp() * (joint - log_q)).sum(), joint.logsumexp(-1).sum()


def test_the_discrete_guide_can_be_enumerated():
    engine = infer.TraceEnum_ELBO(max_plate_nesting=1)
    guide = infer.config_enumerate(discretize(mixture_guide), "parallel")
    loss = engine.loss(discretize(mixture), guide)
    assert -loss == pytest.approx(enumerated()[0].item(), rel=1e-5)


def test_discretized_counts_in_a_plate_can_be_enumerated():
    x = torch.tensor([0.1, 1.9, 0.8])

    def counted():
        with pyro.plate("data", len(x)):
            n = pyro.sample("n", dist.Binomial(2, torch.tensor(0.3)))
            pyro.sample("x", dist.Normal(n, 1.0), obs=x)

    def guide():
        with pyro.plate("data", len(x)):
            pyro.sample("n", dist.Binomial(2, torch.tensor([0.1, 0.8, 0.4])))

    engine = infer.TraceEnum_ELBO(max_plate_nesting=1)
    again = [discretize(relax(fn, 0.5)) for fn in (counted, guide)]
    loss = engine.loss(again[0], infer.config_enumerate(again[1]))
    exact = engine.loss(counted, infer.config_enumerate(guide))
    assert loss == pytest.approx(exact, rel=1e-5)
