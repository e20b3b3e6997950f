"""NUTS in NumPyro with distributions inside."""

import numpy as np
import numpyro
import pytest
from cases import LAWS
from jax import random
from numpyro import infer
from numpyro_families import LOC, SCALE, make
from numpyro_families import fresh_host as fresh_host
from x64 import enable_x64

KEY = random.key(0)
DENSITIES = [name for name in LAWS if name != "straight_through"]


@pytest.fixture(scope="module")
def draws():
    """Of a prior of all densities, which is compiled once."""

    def model():
        for name in DENSITIES:
            numpyro.sample(name, make(name))

    with enable_x64(False):
        kernel = infer.NUTS(model, max_tree_depth=4)
        mcmc = infer.MCMC(kernel, num_warmup=200, num_samples=1000, progress_bar=False)
        mcmc.run(KEY)
        return mcmc.get_samples()


@pytest.mark.parametrize("name", DENSITIES)
def test_nuts_without_data_draws_from_the_prior(draws, name):
    law, z = make(name), draws[name]
    assert law.support(z).all()
    (transform,) = law.transforms
    y = transform._inverse(z)
    error = np.array(SCALE) / 100**0.5
    assert (abs(y.mean(0) - np.array(LOC)) < 4 * error).all()
    np.testing.assert_allclose(y.std(0), SCALE, rtol=0.25)
