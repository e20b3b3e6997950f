"""More sticks while a model trains: the same bound, and the optimizer goes on."""

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
from numpyro.optim import Adam, optax_to_numpyro
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


OPTIMIZERS = {
    "numpyro": lambda: Adam(0.05),
    "optax": lambda: optax_to_numpyro(optax.adam(0.05)),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_growing_keeps_the_bound_and_the_moments_and_training_goes_on(make):
    svi, compilations = SVI(model, guide, make(), TraceMeanField_ELBO()), []

    @jax.jit
    def update(state):
        compilations.append(state)
        return svi.update(state, X)[0], svi.evaluate(state, X)

    state = svi.init(random.key(0), X)
    for _ in range(20):
        state, _ = update(state)
    grown = grow(state, start())
    params = svi.get_params(grown)
    assert params["loc"].shape == params["means"].shape == (N + NEW,)
    np.testing.assert_allclose(params["scale"][N:], 1.4, rtol=1e-6)
    for old, new in zip(jax.tree.leaves(state), jax.tree.leaves(grown), strict=True):
        if jnp.shape(old) == (N,):
            np.testing.assert_array_equal(new[:N], old)
        else:
            assert new is old
    (_, loss), (continued, loss_of_grown) = update(state), update(grown)
    np.testing.assert_allclose(loss_of_grown, loss, rtol=1e-6)
    for _ in range(100):
        continued, last = update(continued)
    assert len(compilations) == 2
    assert last < loss
    assert (svi.get_params(continued)["means"][N:] != 0).any()


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_moments_of_new_entries_are_zero(make):
    svi = SVI(model, guide, make(), TraceMeanField_ELBO())
    state = svi.init(random.key(0), X)
    state = jax.tree.map(lambda x: x + 1.0 if jnp.shape(x) == (N,) else x, state)
    grown = jax.tree.leaves(grow(state, start()).optim_state)
    tails = [np.asarray(x[N:]) for x in grown if jnp.shape(x) == (N + NEW,)]
    assert len(tails) == 9
    zero = [not x.any() for x in tails]
    assert sum(zero) == 6 + 1  # two moments of each, and the start of the means


def test_a_parameter_grows_along_any_dimension():
    def guide(_):
        numpyro.param("table", jnp.ones((2, 3)))
        numpyro.sample("weights", InfiniteIGR(None, jnp.zeros(2), jnp.ones(2)))

    svi = SVI(model, guide, Adam(0.1), TraceMeanField_ELBO())
    state = grow(svi.init(random.key(0), X), {"table": jnp.zeros((1, 3))}, 0)
    np.testing.assert_array_equal(
        svi.get_params(state)["table"], [[1, 1, 1], [1, 1, 1], [0, 0, 0]]
    )


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_entries_move_with_their_moments_and_sticks_get_new_values(make):
    svi = SVI(model, guide, make(), TraceMeanField_ELBO())
    state = svi.init(random.key(0), X)
    distinct = iter(range(100))
    state = jax.tree.map(
        lambda x: jnp.arange(2.0) + next(distinct) if jnp.shape(x) == (N,) else x, state
    )
    values = {"means": None, "loc": jnp.array([5.0, 6.0]), "scale": jnp.zeros(2)}
    new = reorder(state, [1, 0], values)
    params, old = svi.get_params(new), svi.get_params(state)
    np.testing.assert_array_equal(params["means"], old["means"][::-1])
    np.testing.assert_array_equal(params["loc"], [5, 6])
    np.testing.assert_array_equal(params["scale"], [1, 1])
    pairs = zip(jax.tree.leaves(state), jax.tree.leaves(new), strict=True)
    pairs = [(a, b) for a, b in pairs if jnp.shape(a) == (N,)]
    assert sum(bool((a[::-1] == b).all()) for a, b in pairs) == 1 + 6
    svi.update(new, X)


def test_entries_are_left_out_or_split_along_any_dimension():
    def guide(_):
        numpyro.param("table", jnp.arange(6.0).reshape(3, 2))
        numpyro.sample("weights", InfiniteIGR(None, jnp.zeros(2), jnp.ones(2)))

    svi = SVI(model, guide, Adam(0.1), TraceMeanField_ELBO())
    state = reorder(svi.init(random.key(0), X), [2, 2, 0, 1], {"table": None}, 0)
    table = svi.get_params(state)["table"]
    assert table.tolist() == [[4, 5], [4, 5], [0, 1], [2, 3]]
    table = svi.get_params(reorder(state, np.array([1]), {"table": None}))["table"]
    assert table.tolist() == [[5], [5], [1], [3]]
