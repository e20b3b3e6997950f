"""Damped Newton steps to the root of a monotone system."""

from collections.abc import Callable

import torch
from torch import Tensor

MAX_STEPS = 60
SMALLEST_DAMPING = 2.0**-12


def damped_newton(
    residual_and_jacobian: Callable, start: Tensor, tolerance: Tensor | float
) -> Tensor:
    """The root of a residual, from steps that are halved until it decreases.

    Members of a batch that are done wait for the others.

    Shape: ``start``, residual and result: ``batch + (n,)``; Jacobian:
    ``batch + (n, n)``.

    Args:
        residual_and_jacobian: a function of the point.
        start: where to begin.
        tolerance: largest entry of the residual to accept.
    """
    x, step = start, torch.zeros_like(start)
    damping = torch.ones_like(start[..., :1])
    error = torch.full_like(damping, torch.inf)
    for _ in range(MAX_STEPS):
        if torch._is_all_true((error <= tolerance) | (damping <= SMALLEST_DAMPING)):
            break  # ``_is_all_true``, which ``vmap`` can tell
        trial = x - damping * step
        residual, jacobian = residual_and_jacobian(trial)
        trial_error = residual.abs().amax(-1, keepdim=True)
        better = trial_error < error
        damping = torch.where(better, torch.ones_like(damping), damping / 2)
        error = torch.where(better, trial_error, error)
        x = torch.where(better, trial, x)
        step = torch.where(better, torch.linalg.solve(jacobian, residual), step)
    return x


def implicit_root(root: Tensor, residual_and_jacobian: Callable) -> Tensor:
    """The root with its derivatives, as of an implicit function, to the third order.

    Of two Newton steps from the root, the first is right to the first order in what
    defines the residual; an exact one squares what is left.

    Args:
        root: the point, without a gradient.
        residual_and_jacobian: the function of the point that vanishes there, with a
            gradient in what defines it.
    """
    residual, jacobian = residual_and_jacobian(root)
    x = root - torch.linalg.solve(jacobian.detach(), residual)
    residual, jacobian = residual_and_jacobian(x)
    x = x - torch.linalg.solve(jacobian, residual)
    return root + (x - x.detach())
