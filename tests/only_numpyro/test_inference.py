"""NUTS in NumPyro with distributions inside."""

import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from cases import LAWS
from jax import random
from numpyro import infer
from numpyro_families import LOC, SCALE, K, make, on_simplex
from numpyro_families import fresh_host as fresh_host
from x64 import enable_x64

KEY = random.key(0)
X = np.array([[0.1, 0.2, 0.6, 0.1], [0.5, 0.2, 0.2, 0.1]], np.float32)
DENSITIES = [name for name in LAWS if name != "straight_through"]


def model_of(name):
    def model(x=X):
        with numpyro.plate("data", len(X)):
            z = on_simplex(name, numpyro.sample("z", make(name)))
            numpyro.sample("x", dist.Normal(z, 0.3).to_event(1), obs=x)

    return model


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


def test_nuts_runs_with_data_in_a_plate():
    kernel = infer.NUTS(model_of("igr"), max_tree_depth=2)
    mcmc = infer.MCMC(kernel, num_warmup=2, num_samples=2, progress_bar=False)
    mcmc.run(KEY)
    assert mcmc.get_samples()["z"].shape == (2, len(X), K)
