"""Damped Newton steps to the root of a monotone system."""

from collections.abc import Callable

import torch
from torch import Tensor

MAX_STEPS = 60
SMALLEST_DAMPING = 2.0**-12


def damped_newton(
    residual_and_jacobian: Callable, start: Tensor, tolerance: float
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
        if not ((error > tolerance) & (damping > SMALLEST_DAMPING)).any():
            break
        trial = x - damping * step
        residual, jacobian = residual_and_jacobian(trial)
        trial_error = residual.abs().amax(-1, keepdim=True)
        better = trial_error < error
        damping = torch.where(better, torch.ones_like(damping), damping / 2)
        error = torch.where(better, trial_error, error)
        x = torch.where(better, trial, x)
        step = torch.where(better, torch.linalg.solve(jacobian, residual), step)
    return x


def implicit_root(root: Tensor, residual: Tensor, jacobian: Tensor) -> Tensor:
    """The root with the gradient that the implicit function theorem gives it.

    Args:
        root: the point, without a gradient.
        residual: there, with a gradient in what defines it.
        jacobian: of the residual in the point.
    """
    return root - torch.linalg.solve(jacobian.detach(), residual)
