"""The standard normal quantile, from log odds."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from pyro_igr._numerics.normal import log_ndtr_and_hazard, log_tail_and_hazard

# Enough for 1e-10 at any log odds, as convergence is monotone and quadratic.
NUM_STEPS = 9


def probit_of_log_odds(log_odds: Tensor) -> Tensor:
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
    return _Probit.apply(log_odds)


class _Probit(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(log_odds: Tensor) -> Tensor:
        log_p = logsigmoid(-log_odds.abs())
        minus_x = (-2 * log_p).sqrt()
        for _ in range(NUM_STEPS):
            log_phi, log_hazard = log_tail_and_hazard(minus_x)
            minus_x = minus_x + (log_phi - log_p) * (-log_hazard).exp()
        return minus_x.copysign(log_odds)

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: Tensor) -> None:  # noqa: ANN001
        ctx.save_for_backward(*inputs, output)
        ctx.save_for_forward(*inputs, output)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # noqa: ANN001
        return gradient * _slope(*ctx.saved_tensors)

    @staticmethod
    def jvp(ctx, tangent: Tensor) -> Tensor:  # noqa: ANN001
        return tangent * _slope(*ctx.saved_tensors)


def _slope(log_odds: Tensor, x: Tensor) -> Tensor:
    side = torch.where(log_odds > 0, 1.0, -1.0).to(x)
    log_hazard = log_ndtr_and_hazard(-side * x)[1]
    return (logsigmoid(side * log_odds) - log_hazard).exp()
