"""TraceUnorderedSet_ELBO in Pyro: particles, vectorized or in turn."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro_families import fresh_host as fresh_host

from pyro_igr import TraceUnorderedSet_ELBO

COPIES, LOGITS = 50, torch.tensor([0.5, -1.0, 0.3])
COSTS = torch.tensor([1.0, -2.0, 4.0])


def model():
    with pyro.plate("copies", COPIES):
        z = pyro.sample("z", dist.OneHotCategorical(torch.ones(3) / 3))
        pyro.factor("cost", z @ COSTS)


def guide():
    logits = pyro.param("logits", LOGITS.clone())
    with pyro.plate("copies", COPIES):
        pyro.sample("z", dist.OneHotCategorical(logits=logits))


def test_particles_average_independent_sets():
    log_q = LOGITS.log_softmax(-1)
    log_joint = COSTS - torch.tensor(3.0).log()
    expected = (log_q.exp() * (log_q - log_joint)).sum()
    for vectorized in (False, True):
        options = {"num_particles": 50, "vectorize_particles": vectorized}
        loss = TraceUnorderedSet_ELBO(2, **options).loss(model, guide) / COPIES
        assert loss == pytest.approx(expected.item(), abs=0.15)
