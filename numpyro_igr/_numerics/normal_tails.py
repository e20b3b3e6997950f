"""Both tails of the standard normal in logs, at the price of one."""

import jax
import jax.numpy as jnp
from jax import Array

from numpyro_igr._numerics.normal import (
    LOG_SQRT_2_PI,
    excess,
    log_of_rest,
    log_tail_and_hazard,
)


def log_ndtr_of_both(x: Array) -> tuple[Array, Array]:
    r""":math:`\log \Phi(x)` and :math:`\log \Phi(-x)`.

    What two calls of ``log_ndtr`` give, each of which computes the smaller tail.
    Derivatives of every order are right.

    Shape:
        ``batch``, of 32 bits or more, to ``batch`` twice.
    """
    return _log_tails_and_hazards(x)[:2]


@jax.custom_jvp
@jax.jit
def _log_tails_and_hazards(x: Array) -> tuple[Array, Array, Array, Array]:
    smaller, steeper = log_tail_and_hazard(jnp.abs(x))
    larger = log_of_rest(jnp.exp(smaller))
    log_density = -0.5 * x**2 - LOG_SQRT_2_PI
    is_right = x > 0
    return (
        jnp.where(is_right, larger, smaller),
        jnp.where(is_right, smaller, larger),
        jnp.where(is_right, log_density - larger, steeper),
        jnp.where(is_right, steeper, log_density - larger),
    )


@_log_tails_and_hazards.defjvp
def _with_tangents(primals: tuple, tangents: tuple) -> tuple[tuple, tuple]:
    (x,), (tangent,) = primals, tangents
    values = _log_tails_and_hazards(x)
    log_h, log_h_of_minus = values[2:]
    slopes = (
        jnp.exp(log_h),
        -jnp.exp(log_h_of_minus),
        -excess(x, log_h),
        excess(-x, log_h_of_minus),
    )
    return values, tuple(tangent * slope for slope in slopes)
