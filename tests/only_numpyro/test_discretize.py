"""discretize in NumPyro: a site in a plate can be enumerated."""

import jax
import numpy as np
from numpyro_families import K, make
from numpyro_families import fresh_host as fresh_host
from numpyro_programs import (
    N,
    in_plates,
    latent_sites,
)

from numpyro_igr import discretize


def test_a_discrete_site_in_a_plate_can_be_enumerated():
    site = latent_sites(discretize(in_plates), make("igr"))["z"]
    values = site["fn"].enumerate_support()
    assert values.shape == (K, 2, N, K)
    total = jax.nn.logsumexp(site["fn"].log_prob(values), 0)
    np.testing.assert_allclose(total, 0, atol=1e-6)
