"""The root of the equation in one unknown that inverts a planar layer."""

import jax
import jax.numpy as jnp
from jax import Array, lax

MAX_STEPS = 200


@jax.custom_jvp
def tanh_root(target: Array, slope: Array) -> Array:
    r"""The root a of :math:`a + s \tanh a = t`, with its derivatives.

    Shape: ``target``, ``slope``, result: ``batch``, broadcast.

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


# A step that leaves the bracket, or follows one that did not halve the residual, is
# replaced by the middle of the bracket: so one of the two is halved at every step.
def _newton_in_bracket(target: Array, slope: Array) -> Array:
    rounding = 4 * jnp.finfo(target.dtype).eps * (abs(target) + 2 * abs(slope))

    def unfinished(state: tuple) -> Array:
        count, a, _, _, _ = state
        residual, _ = _residual(a, target, slope)
        return (count < MAX_STEPS) & (abs(residual) > rounding).any()

    def iterate(state: tuple) -> tuple:
        count, a, low, high, last = state
        residual, derivative = _residual(a, target, slope)
        low = jnp.where(residual < 0, a, low)
        high = jnp.where(residual > 0, a, high)
        step = a - residual / derivative
        is_good = (abs(residual) <= last / 2) & (step >= low) & (step <= high)
        step = jnp.where(is_good, step, (low + high) / 2)
        a = jnp.where(abs(residual) <= rounding, a, step)
        return count + 1, a, low, high, abs(residual)

    bracket = target - abs(slope), target + abs(slope)
    state = 0, target, *bracket, jnp.full_like(target, jnp.inf)
    return lax.while_loop(unfinished, iterate, state)[1]
