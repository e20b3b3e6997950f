"""Chunks of samples, which have a key each."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro import handlers

from numpyro_igr import OneHotCategorical, log_likelihood, log_weights

KEY = jax.random.key(0)


def model(mask=True):
    with numpyro.plate("data", 2), handlers.mask(mask=mask):
        centre = numpyro.param("centre", jnp.zeros(()))
        z = numpyro.sample("z", OneHotCategorical(jnp.array([0.5, 0.5])))
        numpyro.sample("x", dist.Normal(z[..., 0] + centre, 1.0), obs=jnp.zeros(2))


def guide(mask=None):
    with numpyro.plate("data", 2):
        numpyro.sample("z", OneHotCategorical(jnp.array([0.3, 0.7])))


def test_weights_do_not_depend_on_the_size_of_the_chunks():
    def weights(chunk_size):
        of = {"num_samples": 7, "chunk_size": chunk_size}
        return jax.jit(lambda key: log_weights(key, model, guide, **of))(KEY)

    expected = weights(7)
    assert len(np.unique(expected)) > 1
    for size in (1, 3):
        np.testing.assert_array_equal(weights(size), expected)


def test_parameters_are_handed_over_and_jit_takes_the_call():
    @jax.jit
    def weights(key, centre):
        params = {"centre": centre}
        return log_weights(key, model, guide, num_samples=4, params=params)

    start, moved = weights(KEY, 0.0), weights(KEY, 3.0)
    np.testing.assert_allclose(start, log_weights(KEY, model, guide, num_samples=4))
    assert (start > moved).all()


@pytest.mark.parametrize("evaluate", [log_weights, log_likelihood])
@pytest.mark.parametrize("given", [(), (0,), (None,)], ids=str)
def test_a_forgotten_key_is_asked_for(evaluate, given):
    with pytest.raises(TypeError, match="expected a random key as the first argument"):
        evaluate(*given, model, guide, jnp.zeros(2))


def network():
    return numpyro.param("centre", jax.random.normal)


def dropout():
    return 1.0 * jax.random.bernoulli(numpyro.prng_key())


@pytest.mark.parametrize("centre", [network, dropout])
def test_a_density_that_depends_on_the_key_is_refused(centre):
    def chance():
        numpyro.sample("x", dist.Normal(centre(), 1.0), obs=0.0)

    def weights(key, params=None):
        return log_weights(key, chance, lambda: None, num_samples=2, params=params)

    for evaluate in weights, jax.jit(weights):
        with pytest.raises(ValueError, match="site 'x' has another density in each"):
            evaluate(KEY)
    if centre is network:
        assert weights(KEY, {"centre": jnp.zeros(())}).shape == (2,)


def test_a_traced_mask_on_one_side_makes_weights_nan():
    weights = jax.jit(lambda mask: log_weights(KEY, model, guide, mask, num_samples=2))
    assert jnp.isnan(weights(jnp.array([True, False]))).all()
    assert jnp.isfinite(weights(jnp.array([True, True]))).all()


def test_plates_are_subsampled_apart():
    def grid():
        with (
            numpyro.plate("rows", 6, 2, dim=-2) as i,
            numpyro.plate("columns", 6, 2, dim=-1) as j,
        ):
            same = i[:, None] == j
            numpyro.factor("same", jnp.where(same, 1.0, 0.0))

    def nothing():
        pass

    of = {"num_samples": 1, "plate": ("rows", "columns")}
    keys = jax.random.split(KEY, 300)
    found = jax.vmap(lambda key: log_weights(key, grid, nothing, **of).mean())(keys)
    assert abs(found.mean() - 1 / 6) < 4 * found.std() / 300**0.5
    assert 0 < found.std() < 0.3
