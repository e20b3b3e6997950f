"""ControlNetwork in NumPyro: its formula, and the plates, mask and scale of sites."""

import math

import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from numpyro import handlers
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import IGR, ControlNetwork
from numpyro_igr.infer.relax_elbo._names import Names

VALUE = 3 * (2 * math.tanh(2) + 1)


def guide():
    shared = IGR(0.5, jnp.zeros(2), jnp.ones(2))
    numpyro.sample("shared", shared)
    with numpyro.plate("images", 3), handlers.scale(scale=3.0):
        law = IGR(0.5, jnp.zeros((3, 2)), jnp.ones((3, 2)))
        numpyro.sample("own", law.mask(jnp.array([True, False, True])))


def test_each_set_of_plates_has_a_network_masked_and_scaled_as_its_first_site():
    nodes = handlers.trace(handlers.seed(guide, 0)).get_trace()
    sites = {name: nodes[name] for name in ("shared", "own")}
    weights = {"shared": np.ones((4, 2)), "own": np.ones((7, 2))}
    weights["own"][:3] = 0.0  # the three weights of the site outside the plate
    data = {f"relax_hidden_{name}": hidden for name, hidden in weights.items()}
    data |= {f"relax_output_{name}": np.ones(3) for name in weights}
    z = {name: site["value"] for name, site in sites.items()}
    with handlers.substitute(data=data):
        found = ControlNetwork(2).terms(z, sites, Names("relax"))
    terms = {len(k): v for k, v in found.items()}
    assert float(terms[0]) == pytest.approx(VALUE / 3)
    assert terms[1].tolist() == pytest.approx([VALUE, 0, VALUE])
