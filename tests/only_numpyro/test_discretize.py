"""discretize in NumPyro: a site in a plate can be enumerated."""

import jax
import numpy as np
import numpyro
from numpyro import handlers
from numpyro_families import K, make
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import discretize


def test_a_discrete_site_in_a_plate_can_be_enumerated():
    def program():
        with numpyro.plate("rows", 2, dim=-2), numpyro.plate("columns", 5, dim=-1):
            numpyro.sample("z", make("igr"))

    trace = handlers.trace(handlers.seed(discretize(program), 0)).get_trace()
    law = trace["z"]["fn"]
    values = law.enumerate_support()
    assert values.shape == (K, 2, 5, K)
    total = jax.nn.logsumexp(law.log_prob(values), 0)
    np.testing.assert_allclose(total, 0, atol=1e-6)
