"""The root of the equation in one unknown that inverts a planar layer."""

import jax
import jax.numpy as jnp
from jax import Array

from numpyro_igr._numerics.newton import bracketed_newton


@jax.custom_jvp
def tanh_root(target: Array, slope: Array) -> Array:
    r"""The root a of :math:`a + s \tanh a = t`, with its derivatives.

    Shape:
        ``target``, ``slope``, result: ``batch``, broadcast.

    Args:
        target: t.
        slope: :math:`s > -1`, for which the left side increases.
    """
    return _newton_in_bracket(*jnp.broadcast_arrays(target, slope))


# The rule holds the root itself, so that it can be differentiated again.
@tanh_root.defjvp
def _tangent(
    point: tuple[Array, Array], change: tuple[Array, Array]
) -> tuple[Array, Array]:
    root = tanh_root(*point)
    _, derivative = _residual(root, *point)
    return root, (change[0] - jnp.tanh(root) * change[1]) / derivative


def _residual(a: Array, target: Array, slope: Array) -> tuple[Array, Array]:
    tanh = jnp.tanh(a)
    return a + slope * tanh - target, 1 + slope * (1 - tanh**2)


def _newton_in_bracket(target: Array, slope: Array) -> Array:
    def residual_and_step(a: Array) -> tuple[Array, Array]:
        residual, derivative = _residual(a, target, slope)
        return residual, a - residual / derivative

    bracket = target - abs(slope), target + abs(slope)
    rounding = 4 * jnp.finfo(target.dtype).eps * (abs(target) + 2 * abs(slope))
    return bracketed_newton(residual_and_step, target, *bracket, rounding)
