"""Both tails of the standard normal in logs, at the price of one."""

import torch
from torch import Tensor

from pyro_igr._numerics.normal import (
    LOG_SQRT_2_PI,
    excess,
    log_tail_and_hazard,
    pulled_back,
)


def log_ndtr_of_both(x: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\log \Phi(x)` and :math:`\log \Phi(-x)`.

    What two calls of ``log_ndtr`` give, each of which computes the smaller tail.
    Derivatives of every order are right.

    Shape:
        ``batch``, of 32 bits or more, to ``batch`` twice.
    """
    return _LogTailsAndHazards.apply(x)[:2]


class _LogTailsAndHazards(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, ...]:
        smaller, steeper = log_tail_and_hazard(x.abs())
        larger = (-smaller.exp()).log1p()
        log_density = -0.5 * x**2 - LOG_SQRT_2_PI
        is_right = x > 0
        return (
            torch.where(is_right, larger, smaller),
            torch.where(is_right, smaller, larger),
            torch.where(is_right, log_density - larger, steeper),
            torch.where(is_right, steeper, log_density - larger),
        )

    @staticmethod
    def setup_context(ctx, inputs: tuple, outputs: tuple) -> None:  # noqa: ANN001
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs, *outputs[2:])
        ctx.save_for_forward(*inputs, *outputs[2:])

    @staticmethod
    def backward(ctx, *gradients: Tensor | None) -> Tensor | None:  # noqa: ANN001
        return pulled_back(gradients, _slopes(*ctx.saved_tensors))

    @staticmethod
    def jvp(ctx, tangent: Tensor) -> tuple[Tensor, ...]:  # noqa: ANN001
        return tuple(tangent * slope() for slope in _slopes(*ctx.saved_tensors))


def _slopes(x: Tensor, log_h: Tensor, log_h_of_minus: Tensor) -> tuple:
    """Derivatives of the outputs, each when it is asked for."""
    return (
        log_h.exp,
        lambda: -log_h_of_minus.exp(),
        lambda: -excess(x, log_h),
        lambda: excess(-x, log_h_of_minus),
    )
