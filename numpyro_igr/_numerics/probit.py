"""The standard normal quantile, from log odds."""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_sigmoid

from numpyro_igr._numerics.normal import log_ndtr_and_hazard

# Enough for 1e-10 at any log odds, as convergence is monotone and quadratic.
NUM_STEPS = 9


@jax.custom_jvp
@jax.jit
def probit_of_log_odds(log_odds: Array) -> Array:
    r""":math:`x = \Phi^{-1}(\sigma(a))`, finite wherever the log odds a are.

    Newton steps on :math:`\log \Phi(x) = \log \sigma(-|a|)`, which is concave, from
    the left of the root: they converge monotonically. The derivative, of every order,
    is that of the implicit function: with h the reversed hazard,

    .. math:: dx / da = \sigma(|a|) / h(-|x|)

    Shape:
        ``batch`` to ``batch``.
    Accuracy:
        1e-10 relative in float64, or 1e-15 absolute near 0.
    """
    log_p = log_sigmoid(-abs(log_odds))

    def newton_step(_: int, x: Array) -> Array:
        log_phi, log_hazard = log_ndtr_and_hazard(x)
        return x - (log_phi - log_p) * jnp.exp(-log_hazard)

    x = lax.fori_loop(0, NUM_STEPS, newton_step, -jnp.sqrt(-2 * log_p))
    return jnp.where(log_odds > 0, -x, x)


@probit_of_log_odds.defjvp
def _with_tangents(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    (log_odds,), (tangent,) = primals, tangents
    x = probit_of_log_odds(log_odds)
    side = jnp.where(log_odds > 0, 1, -1).astype(x.dtype)
    log_hazard = log_ndtr_and_hazard(-side * x)[1]
    return x, tangent * jnp.exp(log_sigmoid(side * log_odds) - log_hazard)
