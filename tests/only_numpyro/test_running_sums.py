"""Running sums are those of NumPy, whatever the number of entries."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from x64 import enable_x64

from numpyro_igr._numerics.running_sums import running_sums

SIZES = [1, 64, 65, 96, 97, 999, 5000]


@pytest.mark.parametrize("size", SIZES)
def test_sums_and_their_gradient_are_those_of_cumsum(size):
    rng = np.random.default_rng(0)
    x, weights = -rng.exponential(size=(2, 3, size)), rng.normal(size=(2, 3, size))
    with enable_x64(True):
        sums, pull_back = jax.vjp(jax.jit(running_sums), jnp.array(x))
        (gradient,) = pull_back(jnp.array(weights))
    np.testing.assert_allclose(sums, x.cumsum(-1), rtol=1e-13)
    expected = weights[..., ::-1].cumsum(-1)[..., ::-1]
    np.testing.assert_allclose(gradient, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_before_an_impossible_entry_is_changed_by_it(size):
    x = -np.random.default_rng(1).exponential(size=(4, size)).astype(np.float32)
    expected = x.astype(float).cumsum(-1)
    for row, place in enumerate(np.linspace(0, size - 1, 4, dtype=int)):
        x[row, place], expected[row, place:] = -np.inf, -np.inf
    sums, pull_back = jax.vjp(jax.jit(running_sums), x)
    np.testing.assert_allclose(sums, expected, rtol=1e-5)
    (gradient,) = pull_back(np.isfinite(sums).astype(np.float32))
    assert np.isfinite(gradient).all()
