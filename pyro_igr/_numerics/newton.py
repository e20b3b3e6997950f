"""Newton steps to a root: damped ones of a system, bracketed ones in one unknown."""

from collections.abc import Callable

import torch
from torch import Tensor

from pyro_igr._host import is_all_true
from pyro_igr._numerics.low_rank import solve

# Systems take 6 to 11 steps; one that is not done by then is limited by rounding.
MAX_STEPS = 60
# A step shortened so far changes no digit that a tolerance asks for.
SMALLEST_DAMPING = 2.0**-12
# From a bracket of 1e38, halving takes 128 + 53 steps to the last bit of float64.
MAX_BRACKETED_STEPS = 200


def damped_newton(
    residual_and_jacobian: Callable, start: Tensor, error_of: Callable
) -> Tensor:
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
    x, step = start, torch.zeros_like(start)
    damping = torch.ones_like(start[..., :1])
    error = torch.full_like(damping, torch.inf)
    for _ in range(MAX_STEPS):
        if is_all_true((error <= 1) | (damping <= SMALLEST_DAMPING)):
            break
        trial = x - damping * step
        residual, jacobian = residual_and_jacobian(trial)
        trial_error = error_of(residual)
        better = trial_error < error
        damping = torch.where(better, torch.ones_like(damping), damping / 2)
        error = torch.where(better, trial_error, error)
        x = torch.where(better, trial, x)
        step = torch.where(better, solve(jacobian, residual), step)
    return x


def bracketed_newton(
    residual_and_step: Callable,
    start: Tensor,
    low: Tensor,
    high: Tensor,
    rounding: Tensor | float = 0.0,
    max_steps: int = MAX_BRACKETED_STEPS,
) -> Tensor:
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
    x, last = start, torch.full_like(start, torch.inf)
    for _ in range(max_steps):
        residual, step = residual_and_step(x)
        done = residual.abs() <= rounding
        if is_all_true(done):
            break
        low = torch.where(residual < 0, x, low)
        high = torch.where(residual > 0, x, high)
        is_good = (residual.abs() <= last / 2) & (step >= low) & (step <= high)
        step = torch.where(is_good, step, (low + high) / 2)
        x, last = torch.where(done, x, step), residual.abs()
    return x


def implicit_root(
    root: Tensor, residual_and_jacobian: Callable, *given: Tensor
) -> Tensor:
    """The root with its derivatives, as of an implicit function, to the third order.

    Args:
        root: the point, without a gradient.
        residual_and_jacobian: a function of the point and of what is given, that
            vanishes there.
        given: what defines it, and has a gradient.
    """
    root = root.detach()  # no_grad leaves it the tangents of forward mode
    # Of two Newton steps from the root, the first is right to the first order in what
    # defines the residual; an exact one squares what is left.
    residual, jacobian = residual_and_jacobian(root, *given)
    x = root - solve(jacobian.detach(), residual)
    residual, jacobian = residual_and_jacobian(x, *given)
    x = x - solve(jacobian, residual)
    return root + (x - x.detach())
