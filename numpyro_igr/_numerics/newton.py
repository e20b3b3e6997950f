"""Newton steps to a root: damped ones of a system, bracketed ones in one unknown."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from numpyro_igr._numerics.low_rank import solve

# Systems take 6 to 11 steps; one that is not done by then is limited by rounding.
MAX_STEPS = 60
# A step shortened so far changes no digit that a tolerance asks for.
SMALLEST_DAMPING = 2.0**-12
# From a bracket of 1e38, halving takes 128 + 53 steps to the last bit of float64.
MAX_BRACKETED_STEPS = 200


def damped_newton(
    residual_and_jacobian: Callable, start: Array, error_of: Callable
) -> Array:
    """The root of a residual, from steps that are halved until it decreases.

    Members of a batch that are done wait for the others.

    Shape:
        ``start``, residual and result: ``batch + (n,)``; Jacobian: ``batch + (n, n)``,
        unless it has factors.

    Args:
        residual_and_jacobian: a function of the point.
        start: where to begin.
        error_of: of a residual, how far it is from 0, with a last dimension of 1; at
            most 1 where it is accepted.
    """

    def unfinished(state: tuple) -> Array:
        count, _, _, error, damping = state
        active = (error > 1) & (damping > SMALLEST_DAMPING)
        return (count < MAX_STEPS) & active.any()

    def iterate(state: tuple) -> tuple:
        count, x, step, error, damping = state
        trial = x - damping * step
        residual, jacobian = residual_and_jacobian(trial)
        trial_error = error_of(residual)
        better = trial_error < error
        damping = jnp.where(better, jnp.ones_like(damping), damping / 2)
        error = jnp.where(better, trial_error, error)
        x = jnp.where(better, trial, x)
        step = jnp.where(better, solve(jacobian, residual), step)
        return count + 1, x, step, error, damping

    damping = jnp.ones_like(start[..., :1])
    error = jnp.full_like(damping, jnp.inf)
    state = 0, start, jnp.zeros_like(start), error, damping
    return lax.while_loop(unfinished, iterate, state)[1]


def bracketed_newton(
    residual_and_step: Callable,
    start: Array,
    low: Array,
    high: Array,
    rounding: ArrayLike = 0.0,
    max_steps: int = MAX_BRACKETED_STEPS,
) -> Array:
    """The root of an increasing function in one unknown, between two bounds.

    A step that leaves the bracket, or follows one that did not halve the residual, is
    replaced by the middle of the bracket: so one of the two is halved at every step.

    Shape:
        all ``batch``.

    Args:
        residual_and_step: of a point, the residual and where a Newton step leads.
        start: where to begin.
        low: a point at or below the root.
        high: a point at or above it.
        rounding: the residual to accept.
        max_steps: how many steps to take at most.
    """

    def unfinished(state: tuple) -> Array:
        return (state[0] < max_steps) & ~state[-1].all()

    def iterate(state: tuple) -> tuple:
        count, x, low, high, last, _ = state
        residual, step = residual_and_step(x)
        done = abs(residual) <= rounding
        low = jnp.where(residual < 0, x, low)
        high = jnp.where(residual > 0, x, high)
        is_good = (abs(residual) <= last / 2) & (step >= low) & (step <= high)
        step = jnp.where(is_good, step, (low + high) / 2)
        return count + 1, jnp.where(done, x, step), low, high, abs(residual), done

    last = jnp.full_like(start, jnp.inf)
    state = 0, start, low, high, last, jnp.zeros_like(start, bool)
    return lax.while_loop(unfinished, iterate, state)[1]


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def implicit_root(
    root: Array, residual_and_jacobian: Callable, *given: ArrayLike
) -> Array:
    """The root with its derivatives, as of an implicit function, to the third order.

    Args:
        root: the point, without a gradient.
        residual_and_jacobian: a function of the point and of what is given, that
            vanishes there.
        given: what defines it, and has a gradient.
    """
    return root


@implicit_root.defjvp
def _with_tangents(
    residual_and_jacobian: Callable, primals: tuple, tangents: tuple
) -> tuple[Array, Array]:
    (root, *given), (_, *slopes) = primals, tangents
    # Itself an implicit root: so are derivatives of higher orders.
    x = implicit_root(root, residual_and_jacobian, *given)
    _, slope, jacobian = jax.jvp(
        partial(residual_and_jacobian, x), given, slopes, has_aux=True
    )
    return x, -solve(jacobian, slope)
