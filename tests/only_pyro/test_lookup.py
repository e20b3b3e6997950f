"""A chain with lookup is enumerated and relaxed, and so are one-hot vectors."""

import warnings

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import (
    SVI,
    Trace_ELBO,
    TraceEnum_ELBO,
    config_enumerate,
)
from pyro.optim import Adam

from pyro_igr import AutoIGR, TraceDiscreteKL_ELBO, discretize, lookup, relax

MEANS = torch.tensor([[-1.0, 0.0], [1.0, 1.0], [0.0, -1.0]])
X = MEANS[torch.arange(12) % 3] + 0.4 * torch.sin(torch.arange(24.0)).reshape(12, 2)


def chain():
    moves = torch.tensor([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.3, 0.1, 0.6]])
    state = torch.tensor(0)
    for i in pyro.markov(range(4)):
        state = pyro.sample(f"state{i}", dist.Categorical(lookup(moves, state)))
        loc = lookup(MEANS[:, 0], state)
        pyro.sample(f"x{i}", dist.Normal(loc, 0.5), obs=torch.tensor(0.3 * i))


def evidence(model):
    engine = TraceEnum_ELBO(max_plate_nesting=1)
    return -engine.loss(config_enumerate(model), lambda: None)


def trained(model, steps, **options):
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    relaxed = relax(model, 0.2, **options)
    guide = AutoIGR(relaxed, 0.2)
    svi = SVI(relaxed, guide, Adam({"lr": 0.1}), TraceDiscreteKL_ELBO())
    for _ in range(steps):
        svi.step()
    pair = discretize(relaxed), discretize(guide)
    many = {"vectorize_particles": True, "max_plate_nesting": 0}
    return -Trace_ELBO(1000, **many).loss(*pair)


def test_a_chain_is_enumerated_and_relaxed_by_the_same_words():
    exact = evidence(chain)
    found = trained(chain, 100, one_hot={f"state{i}" for i in range(4)})
    assert exact - 1.5 < found < exact + 0.1  # its guide has independent states


def test_an_enumerated_one_hot_site_chooses_rows():
    def model():
        z = pyro.sample("z", dist.OneHotCategorical(torch.tensor([0.5, 0.3, 0.2])))
        pyro.sample("x", dist.Normal(lookup(MEANS, z), 1.0).to_event(1), obs=X[0])

    def indexed():
        z = pyro.sample("z", dist.Categorical(torch.tensor([0.5, 0.3, 0.2])))
        pyro.sample("x", dist.Normal(MEANS[z], 1.0).to_event(1), obs=X[0])

    assert evidence(model) == pytest.approx(evidence(indexed), rel=1e-6)


def test_a_table_may_be_plain_numbers():
    assert lookup([0.0, 1.0, 4.0], torch.tensor(2)) == 4.0
    with pytest.raises(ValueError, match="expected table to have rows"):
        lookup(1.0, torch.tensor(0))


def test_one_hot_integers_are_not_warned_of_in_a_trace():
    with pyro.validation_enabled(False), warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        ones = torch.eye(3).long()
        traced = torch.jit.trace(
            lambda z: lookup(MEANS[:, 0], z), ones, check_trace=False
        )
    assert not [w for w in found if "event_dim" in str(w.message)]
    assert not [w for w in found if "boolean" in str(w.message)]
    z = torch.tensor([1, 1, 2])
    assert (traced(z) == MEANS[z, 0]).all()
