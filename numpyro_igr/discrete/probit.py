"""The standard normal quantile, from log odds."""

import math

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_sigmoid
from jax.scipy.special import log_ndtr

NUM_STEPS = 8


@jax.jit
def probit_of_log_odds(log_odds: Array) -> Array:
    r""":math:`\Phi^{-1}(\sigma(a))`, finite wherever the log odds a are.

    Newton steps on :math:`\log \Phi(x) = \log \sigma(-|a|)`, which is concave, from
    the left of the root: they converge monotonically. The last two steps carry the
    gradient, by the implicit function theorem: to the third order.

    Shape: ``batch`` to ``batch``.
    Accuracy: 1e-10 relative in float64 (the limit is the host's ``log_ndtr``).
    """
    upper = log_odds > 0
    log_p = log_sigmoid(jnp.where(upper, -log_odds, log_odds))
    fixed = lax.stop_gradient(log_p)
    start = -jnp.sqrt(-2 * fixed)
    x = lax.fori_loop(0, NUM_STEPS, lambda _, x: _newton_step(x, fixed), start)
    x = _newton_step(_newton_step(lax.stop_gradient(x), log_p), log_p)
    return jnp.where(upper, -x, x)


def _newton_step(x: Array, log_p: Array) -> Array:
    log_phi = log_ndtr(x)
    log_hazard = -0.5 * (x**2 + math.log(2 * math.pi)) - log_phi
    return x - (log_phi - log_p) * jnp.exp(-log_hazard)
