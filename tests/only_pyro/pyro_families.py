"""The distributions under test in Pyro, and a host left as it was found."""

import pyro
import pytest
import torch
from cases import LAWS, WITH_FLOW

import pyro_igr

K = 4
TAU = 0.5
LOC = torch.tensor([0.3, -0.6, 0.9])
SCALE = torch.tensor([0.8, 1.1, 0.6])

every_family = pytest.mark.parametrize("name", LAWS)
every_family_and_flow = pytest.mark.parametrize("name", WITH_FLOW)


def make(name, temperature=TAU, loc=LOC, scale=SCALE):
    """The distribution of this name in the table of cases."""
    return WITH_FLOW[name](pyro_igr, temperature, loc, scale)


def on_simplex(name, value):
    """A value of this distribution as a point of the simplex."""
    return value.exp() if name == "exp_igr" else value


@pytest.fixture(autouse=True)
def fresh_host():
    """Seeds the host, validates, and restores what a test changes."""
    pyro.clear_param_store()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the tensors are tiny
    with torch.random.fork_rng(devices=[]), pyro.validation_enabled(True):
        torch.manual_seed(0)
        yield
    torch.set_num_threads(threads)
    pyro.clear_param_store()
