"""An option of a user's family that is no array passes through jit, vmap and scan."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, random
from numpyro.distributions import constraints
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import GaussianPushforward, SoftmaxPlusPlusTransform

KEYS = random.split(random.key(0), 2)


class Power(GaussianPushforward):
    support, options = constraints.simplex, ("power",)

    def __init__(self, temperature, loc, scale, *, power=1, validate_args=None):
        super().__init__(
            temperature, loc, scale, power=power, validate_args=validate_args
        )

    def _transform(self):
        return SoftmaxPlusPlusTransform(self.temperature**self.power)


def test_it_passes_through_jit_and_scan():
    law = Power(0.5, jnp.zeros(2), jnp.ones(2), power=3)
    value = law.sample(KEYS[0])
    through = jax.jit(lambda law: (law, law.sample(KEYS[0])))(law)
    assert through[0].like(0.5, law.loc, law.scale).power == 3
    np.testing.assert_allclose(through[1], value, rtol=1e-5)
    scanned = lax.scan(lambda law, key: (law, law.sample(key)), law, KEYS)[1]
    np.testing.assert_allclose(scanned[0], value, rtol=1e-5)


def test_it_passes_out_of_vmap():
    rows = jnp.zeros((4, 2))
    laws = jax.vmap(lambda loc: Power(0.5, loc, jnp.ones(2), power=3))(rows)
    assert laws.power == 3
