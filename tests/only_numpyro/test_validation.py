"""What is out of range is refused as NumPyro refuses it, under jit too."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from jax import random
from numpyro_families import every_family, make
from numpyro_families import fresh_host as fresh_host

import numpyro_igr

KEY = random.key(0)
NAN = float("nan")


@every_family
def test_a_constant_out_of_range_is_named_under_jit(name):
    with pytest.raises(ValueError, match="invalid temperature parameter"):
        jax.jit(lambda: make(name, -1.0).sample(KEY))()


OFF_SUPPORT = {
    "sum": lambda z: z + 0.1,
    "negative": lambda z: z + np.array([-1.0, 2.0, 0.0, 0.0], np.float32),
    "nan": lambda z: z * NAN,
}


@every_family
@pytest.mark.parametrize("spoil", OFF_SUPPORT.values(), ids=OFF_SUPPORT)
def test_a_value_off_the_support_warns_and_has_no_density(name, spoil):
    law = make(name)
    value = spoil(law.sample(KEY, (3,)))
    with pytest.warns(UserWarning, match="Out-of-support"):
        log_prob = law.log_prob(value)
    assert (log_prob == -jnp.inf).all()
    assert (jax.jit(law.log_prob)(value) == -jnp.inf).all()
    with numpyro.validation_enabled(False):
        assert make(name).log_prob(value).shape == (3,)


@every_family
@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_value_of_a_wrong_shape_is_refused_under_jit_without_validation(name, size):
    law, value = make(name), np.full(size, 1 / size, np.float32)
    with numpyro.validation_enabled(False):
        for log_prob in law.log_prob, jax.jit(law.log_prob):
            with pytest.raises(ValueError, match="value to have 4 entries"):
                log_prob(value)


def test_weights_of_a_wrong_number_of_sticks_are_refused():
    with pytest.raises(ValueError, match=r"value to have 4 entries .* shape \(2,\)"):
        numpyro_igr.GEM(1.0, 3).log_prob(np.array([0.5, 0.5], np.float32))
