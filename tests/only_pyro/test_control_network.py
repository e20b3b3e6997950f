"""ControlNetwork in Pyro: its formula, and the plates, mask and scale of sites."""

import math

import pyro
import pytest
import torch
from pyro import poutine
from pyro_families import fresh_host as fresh_host

from pyro_igr import IGR, ControlNetwork
from pyro_igr.infer.relax_elbo._names import Names

VALUE = 3 * (2 * math.tanh(2) + 1)


def guide():
    shared = IGR(0.5, torch.zeros(2), torch.ones(2))
    pyro.sample("shared", shared)
    with pyro.plate("images", 3), poutine.scale(scale=3.0):
        law = IGR(0.5, torch.zeros(3, 2), torch.ones(3, 2))
        pyro.sample("own", law.mask(torch.tensor([True, False, True])))


def test_each_set_of_plates_has_a_network_masked_and_scaled_as_its_first_site():
    nodes = poutine.trace(guide).get_trace().nodes
    sites = {name: nodes[name] for name in ("shared", "own")}
    weights = {"shared": torch.ones(4, 2), "own": torch.ones(7, 2)}
    weights["own"][:3] = 0.0  # the three weights of the site outside the plate
    for name, hidden in weights.items():
        pyro.param(f"relax_hidden_{name}", hidden)
        pyro.param(f"relax_output_{name}", torch.ones(3))
    z = {name: site["value"] for name, site in sites.items()}
    terms = {
        len(k): v for k, v in ControlNetwork(2).terms(z, sites, Names("relax")).items()
    }
    assert terms[0].item() == pytest.approx(VALUE / 3)
    assert terms[1].tolist() == pytest.approx([VALUE, 0, VALUE])
