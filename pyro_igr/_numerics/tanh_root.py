"""The root of the equation in one unknown that inverts a planar layer."""

from typing import Any

import torch
from torch import Tensor

from pyro_igr._numerics.newton import bracketed_newton

# Right up to third derivatives, as those of ``implicit_root``.
DIFFERENTIABLE_STEPS = 3


def tanh_root(target: Tensor, slope: Tensor) -> Tensor:
    r"""The root a of :math:`a + s \tanh a = t`, with its derivatives.

    Shape:
        ``target``, ``slope``, result: ``batch``, broadcast.

    Args:
        target: t.
        slope: :math:`s > -1`, for which the left side increases.
    """
    target, slope = torch.broadcast_tensors(target, slope)
    root = _Constant.apply(target.detach(), slope.detach())
    # A step doubles the order of the derivatives that are right, and adds one.
    for _ in range(DIFFERENTIABLE_STEPS):
        residual, derivative = _residual(root, target, slope)
        root = root - residual / derivative
    return root


# A function of its own for the sake of vmap, under which no loop can ask for values. It
# has no derivative: of what it gave, forward mode would take a second one to be 0.
class _Constant(torch.autograd.Function):
    @staticmethod
    def forward(target: Tensor, slope: Tensor) -> Tensor:
        return _newton_in_bracket(target, slope)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], root: Tensor) -> None:
        ctx.mark_non_differentiable(root)

    @staticmethod
    def vmap(
        info: Any, dims: tuple[int | None, int | None], *inputs: Tensor
    ) -> tuple[Tensor, int]:
        target, slope = (
            x.unsqueeze(0) if dim is None else x.movedim(dim, 0)
            for x, dim in zip(inputs, dims, strict=True)
        )
        return _Constant.apply(*torch.broadcast_tensors(target, slope)), 0


def _residual(a: Tensor, target: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    tanh = a.tanh()
    return a + slope * tanh - target, 1 + slope * (1 - tanh.square())


def _newton_in_bracket(target: Tensor, slope: Tensor) -> Tensor:
    def residual_and_step(a: Tensor) -> tuple[Tensor, Tensor]:
        residual, derivative = _residual(a, target, slope)
        return residual, a - residual / derivative

    bracket = target - slope.abs(), target + slope.abs()
    rounding = 4 * torch.finfo(target.dtype).eps * (target.abs() + 2 * slope.abs())
    return bracketed_newton(residual_and_step, target, *bracket, rounding)
