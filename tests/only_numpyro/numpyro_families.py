"""The distributions under test in NumPyro, and a host left as it was found."""

import jax.numpy as jnp
import numpyro
import pytest
from cases import COUNTABLE, LAWS, WITH_FLOW
from x64 import enable_x64

import numpyro_igr

K = 4
TAU = 0.5
LOC = (0.3, -0.6, 0.9)
SCALE = (0.8, 1.1, 0.6)

# Compilation is dear: test_countable.py has fewer programs for the countable
# distributions.
every_family = pytest.mark.parametrize(
    "name", [name for name in LAWS if name not in COUNTABLE]
)
every_family_and_flow = pytest.mark.parametrize(
    "name", [name for name in WITH_FLOW if name not in COUNTABLE]
)


def make(name, temperature=TAU, loc=LOC, scale=SCALE):
    """The distribution of this name in the table of cases."""
    loc, scale = jnp.asarray(loc), jnp.asarray(scale)
    return WITH_FLOW[name](numpyro_igr, temperature, loc, scale)


def on_simplex(name, value):
    """A value of this distribution as a point of the simplex."""
    return jnp.exp(value) if name == "exp_igr" else value


@pytest.fixture(autouse=True)
def fresh_host():
    """Single precision and validation, both as they were before afterwards."""
    with enable_x64(False), numpyro.validation_enabled(True):
        yield
