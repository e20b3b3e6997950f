"""ControlNetwork: its formula, and the plates, mask and scale of sites."""

import math
from importlib import import_module

import numpy as np
import pytest

VALUE = 3 * (2 * math.tanh(2) + 1)


def member(host, *shape):
    return host.igr.IGR(0.5, host.array(np.zeros(shape)), host.array(np.ones(shape)))


KEPT = [True, False, True]


def of_handler(host):
    with host.mask(KEPT):
        host.sample("own", member(host, 3, 2))


def of_distribution(host):
    host.sample("own", member(host, 3, 2).mask(host.array(KEPT)))


@pytest.mark.parametrize("masked", [of_handler, of_distribution])
def test_each_set_of_plates_has_a_network_masked_and_scaled_as_its_first_site(
    host, masked
):
    def guide():
        host.sample("shared", member(host, 2))
        with host.plate("images", 3), host.scale(3.0):
            masked(host)

    nodes = host.sites(guide)
    sites = {name: nodes[name] for name in ("shared", "own")}
    weights = {"shared": np.ones((4, 2)), "own": np.ones((7, 2))}
    weights["own"][:3] = 0.0  # the three weights of the site outside the plate
    data = {f"relax_hidden_{name}": hidden for name, hidden in weights.items()}
    data |= {f"relax_output_{name}": np.ones(3) for name in weights}
    z = {name: site["value"] for name, site in sites.items()}
    names = import_module(f"{host.igr.__name__}.infer.relax_elbo._names")
    with host.given(data):
        found = host.igr.ControlNetwork(2).terms(z, sites, names.Names("relax"))
    terms = {len(plates): term for plates, term in found.items()}
    assert host.value(terms[0]) == pytest.approx(VALUE / 3)
    assert terms[1].tolist() == pytest.approx([VALUE, 0, VALUE])
