"""More sticks in NumPyro: one more compilation, and any dimension."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
import pytest
from jax import random
from numpyro.distributions.constraints import positive
from numpyro.infer import SVI, TraceMeanField_ELBO
from numpyro.optim import SM3, Adam, Minimize
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import InfiniteIGR, grow, reorder, tail_start

N, NEW = 2, 2
X = np.array([-2.0, -1.9, 0.1, 2.0, 2.1], np.float32)
TAIL = {"tail": dist.Normal(0.3, 1.4)}


def model(x):
    """A mixture whose rest, and all components to come, has the mean 0."""
    means = numpyro.param("means", jnp.zeros(N))
    like = InfiniteIGR(None, jnp.zeros(N), jnp.ones(N), **TAIL)
    law = InfiniteIGR(None, *tail_start(like, len(means)), 1.0, **TAIL)
    weights = numpyro.sample("weights", law)
    components = dist.Normal(jnp.append(means, 0.0), 0.5)
    with numpyro.plate("data", len(x)):
        mixture = dist.MixtureSameFamily(dist.CategoricalProbs(weights), components)
        numpyro.sample("x", mixture, obs=x)


def guide(x):
    loc = numpyro.param("loc", jnp.zeros(N))
    scale = numpyro.param("scale", jnp.ones(N), constraint=positive)
    numpyro.sample("weights", InfiniteIGR(None, loc, scale, 1.0, **TAIL))


def start():
    like = InfiniteIGR(None, jnp.zeros(N), jnp.ones(N), **TAIL)
    loc, scale = tail_start(like, NEW)
    return {"loc": loc, "scale": jnp.log(scale), "means": jnp.zeros(NEW)}


def test_growing_compiles_once_more():
    svi, compilations = SVI(model, guide, Adam(0.05), TraceMeanField_ELBO()), []

    @jax.jit
    def update(state):
        compilations.append(state)
        return svi.update(state, X)[0]

    state = update(update(svi.init(random.key(0), X)))
    grown = update(update(grow(state, start())))
    assert len(compilations) == 2
    assert svi.get_params(grown)["loc"].shape == (N + NEW,)


def test_a_parameter_grows_along_any_dimension():
    def guide(_):
        numpyro.param("table", jnp.ones((2, 3)))
        numpyro.sample("weights", InfiniteIGR(None, jnp.zeros(2), jnp.ones(2)))

    svi = SVI(model, guide, Adam(0.1), TraceMeanField_ELBO())
    state = grow(svi.init(random.key(0), X), {"table": jnp.zeros((1, 3))}, 0)
    np.testing.assert_array_equal(
        svi.get_params(state)["table"], [[1, 1, 1], [1, 1, 1], [0, 0, 0]]
    )


def factored():
    return optax.adafactor(0.1, min_dim_size_to_factor=2)


@pytest.mark.parametrize("make", [lambda: SM3(0.1), factored, Minimize])
def test_moments_of_another_shape_are_refused(make):
    def model():
        numpyro.factor("loss", -(numpyro.param("table", jnp.ones((3, 2))) ** 2).sum())

    svi = SVI(model, lambda: None, make(), TraceMeanField_ELBO())
    state = svi.init(random.key(0))
    with pytest.raises(ValueError, match="moments have the shape of table"):
        reorder(state, [2, 0, 1], {"table": None}, 0)
    with pytest.raises(ValueError, match="moments have the shape of table"):
        grow(state, {"table": jnp.zeros((1, 2))}, 0)
