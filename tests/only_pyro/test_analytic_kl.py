"""assert_analytic_kl in Pyro: chance, parameters, and what is counted wrongly."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer.autoguide import AutoNormal
from pyro.poutine import mask
from pyro_families import LOC, every_family, make
from pyro_families import fresh_host as fresh_host

from pyro_igr import assert_analytic_kl

KEPT = torch.tensor([True, False, True, True, False])


def row():
    pyro.sample("z", make("igr").expand([5]))


WRONG = {
    "autoguide": (row, AutoNormal(row), "its Delta has a log_density"),
    "mask": (mask(row, KEPT), row, "another mask"),
}


@pytest.mark.parametrize(("model", "guide", "reason"), WRONG.values(), ids=WRONG)
def test_an_automatic_guide_or_a_mask_of_the_model_is_counted_wrongly(
    model, guide, reason
):
    with pytest.raises(AssertionError, match="count a wrong KL at site 'z': .*") as e:
        assert_analytic_kl(model, guide)
    assert reason in str(e.value)


def program(name, parameter=None):
    def run(x):
        loc = LOC if parameter is None else pyro.param(parameter, LOC.clone())
        with pyro.plate("data", len(x)):
            pyro.sample("z", make(name, loc=loc))
            if parameter is None:
                pyro.sample("x", dist.Normal(0.0, 1.0), obs=x)

    return run


@every_family
def test_the_random_state_is_left_as_it_was(name):
    before = torch.get_rng_state()
    assert_analytic_kl(program(name), program(name, "loc"), torch.ones(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_parameters_are_initialized():
    assert_analytic_kl(program("igr"), program("igr", "loc"), torch.ones(3))
    assert set(pyro.get_param_store()) == {"loc"}
