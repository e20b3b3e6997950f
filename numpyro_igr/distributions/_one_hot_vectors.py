"""The constraint of one-hot vectors, which the host lacks."""

import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import constraints


class OneHot(constraints.ParameterFreeConstraint):
    """Vectors of zeros with a single one."""

    is_discrete = True
    event_dim = 1

    def __call__(self, x: Array) -> Array:
        return _is_one_hot(x)

    def feasible_like(self, prototype: Array) -> Array:
        return jnp.zeros_like(prototype).at[..., 0].set(1)


# Compiled as one program, also where it is called outside of jit.
@jax.jit
def _is_one_hot(x: Array) -> Array:
    return ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1)
