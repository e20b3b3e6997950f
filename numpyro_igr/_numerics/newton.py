"""Damped Newton steps to the root of a monotone system."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

MAX_STEPS = 60
SMALLEST_DAMPING = 2.0**-12


def damped_newton(
    residual_and_jacobian: Callable, start: Array, tolerance: ArrayLike
) -> Array:
    """The root of a residual, from steps that are halved until it decreases.

    Members of a batch that are done wait for the others.

    Shape: ``start``, residual and result: ``batch + (n,)``; Jacobian:
    ``batch + (n, n)``.

    Args:
        residual_and_jacobian: a function of the point.
        start: where to begin.
        tolerance: largest entry of the residual to accept.
    """

    def unfinished(state: tuple) -> Array:
        count, _, _, error, damping = state
        active = (error > tolerance) & (damping > SMALLEST_DAMPING)
        return (count < MAX_STEPS) & active.any()

    def iterate(state: tuple) -> tuple:
        count, x, step, error, damping = state
        trial = x - damping * step
        residual, jacobian = residual_and_jacobian(trial)
        trial_error = abs(residual).max(-1, keepdims=True)
        better = trial_error < error
        damping = jnp.where(better, jnp.ones_like(damping), damping / 2)
        error = jnp.where(better, trial_error, error)
        x = jnp.where(better, trial, x)
        step = jnp.where(better, _solve(jacobian, residual), step)
        return count + 1, x, step, error, damping

    damping = jnp.ones_like(start[..., :1])
    error = jnp.full_like(damping, jnp.inf)
    state = 0, start, jnp.zeros_like(start), error, damping
    return lax.while_loop(unfinished, iterate, state)[1]


def implicit_root(root: Array, residual_and_jacobian: Callable) -> Array:
    """The root with its derivatives, as of an implicit function, to the third order.

    Of two Newton steps from the root, the first is right to the first order in what
    defines the residual; an exact one squares what is left.

    Args:
        root: the point, without a gradient.
        residual_and_jacobian: the function of the point that vanishes there, with a
            gradient in what defines it.
    """
    residual, jacobian = residual_and_jacobian(root)
    x = root - _solve(lax.stop_gradient(jacobian), residual)
    residual, jacobian = residual_and_jacobian(x)
    x = x - _solve(jacobian, residual)
    return root + (x - lax.stop_gradient(x))


def _solve(matrix: Array, vector: Array) -> Array:
    return jnp.linalg.solve(matrix, vector[..., None])[..., 0]
