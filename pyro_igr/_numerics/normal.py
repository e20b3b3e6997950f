"""The standard normal distribution function and its reversed hazard, in logs."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

EDGE = -5.0
LOG_SQRT_2_PI = 0.5 * math.log(2 * math.pi)
# For fewer numbers, the host's one call is faster than the polynomial's thirty.
FEW = 1024
# Mills' ratio e^(a^2 / 2) Phi(-a), divided by w = c / (c + a), is nearly a polynomial
# in w - 1/2 for all a >= 0. These are c, and its coefficients from the highest power
# down, by interpolation at Chebyshev's points.
SINGLE = (
    4.0,
    (
        *(2.081488840e-02, 8.277767877e-03, -5.042406660e-02, -5.561914336e-02),
        *(6.017004424e-02, 2.415812537e-01, 3.730483686e-01, 3.871375595e-01),
        *(3.039482978e-01, 1.888212818e-01),
    ),
)
DOUBLE = (
    5.0,
    (
        *(-0.0006850298877882599, -0.00021127976457883536, 0.001981143322654643),
        *(0.0005259290151336392, -0.0035560123600947933, -0.0009389578784717468),
        *(0.005688868988295283, 0.0021696990881558444, -0.009074566335836502),
        *(-0.006517412070347968, 0.013665156395715352, 0.02038242147933888),
        *(-0.012160137889072878, -0.05579764028425523, -0.04085091376541729),
        *(0.07663044449851443, 0.2661768550520527, 0.4423592877364117),
        *(0.528065171745097, 0.5016530506739421, 0.39624449277598145),
        *(0.2661530011560231, 0.15383860995001258),
    ),
)


def log_ndtr(x: Tensor) -> Tensor:
    r""":math:`\log \Phi(x)`, with derivatives that hold in the far tail.

    Shape:
        ``batch`` to ``batch``.
    """
    return log_ndtr_and_hazard(x)[0]


def log_ndtr_and_hazard(x: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\log \Phi(x)` and :math:`\log h(x)`, :math:`h = \phi / \Phi`.

    .. math:: (\log \Phi)' = h, \qquad (\log h)' = -(x + h)

    Far in the left tail h tends to -x, so that neither :math:`\log \phi - \log \Phi`
    nor x + h survives rounding. So both values come from the ratio of Mills, and x + h
    is a continued fraction there. Derivatives of every order are right.

    Shape:
        ``batch``, of 32 bits or more, to ``batch`` twice.

    Accuracy:
        Values, two derivatives of the first and one of the second to 1e-4 in float32
        and 1e-9 in float64, relative, for |x| up to 1e6.
    Source:
        Laplace's continued fraction of the Mills ratio, in derivatives.
    """
    return _LogNdtrAndHazard.apply(x)


def pulled_back(
    gradients: Iterable[Tensor | None], slopes: Iterable[Callable[[], Tensor]]
) -> Tensor | None:
    """The gradient in one input of several outputs, None if none of them has one.

    Args:
        gradients: of the outputs.
        slopes: functions that return the derivatives of the outputs in the input.
    """
    pairs = zip(gradients, slopes, strict=True)
    terms = [g * slope() for g, slope in pairs if g is not None]
    return sum(terms[1:], terms[0]) if terms else None


class _LogNdtrAndHazard(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        is_right, log_density = x > 0, -0.5 * x**2 - LOG_SQRT_2_PI
        log_smaller, log_steeper = log_tail_and_hazard(x.abs())
        log_larger = (-log_smaller.exp()).log1p()
        return (
            torch.where(is_right, log_larger, log_smaller),
            torch.where(is_right, log_density - log_larger, log_steeper),
        )

    @staticmethod
    def setup_context(ctx, inputs: tuple, outputs: tuple) -> None:  # noqa: ANN001
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs, outputs[1])
        ctx.save_for_forward(*inputs, outputs[1])

    @staticmethod
    def backward(ctx, *gradients: Tensor | None) -> Tensor | None:  # noqa: ANN001
        return pulled_back(gradients, _slopes(*ctx.saved_tensors))

    @staticmethod
    def jvp(ctx, tangent: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN001
        return tuple(tangent * slope() for slope in _slopes(*ctx.saved_tensors))


def log_tail_and_hazard(a: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\log \Phi(-a)`, and the hazard there, for :math:`a \geq 0`.

    Both from Mills' ratio, however far in the tail.

    Shape:
        ``batch`` to ``batch`` twice.
    """
    if a.numel() < FEW:
        log_ratio = (0.5 * torch.special.erfcx(a * math.sqrt(0.5))).log()
    else:
        log_ratio = mills_ratio(a).log()
    return log_ratio - 0.5 * a**2, -log_ratio - LOG_SQRT_2_PI


def _slopes(x: Tensor, log_hazard: Tensor) -> tuple:
    """Derivatives of both outputs, each when it is asked for."""
    return log_hazard.exp, lambda: -excess(x, log_hazard)


def excess(x: Tensor, log_hazard: Tensor) -> Tensor:
    """The sum x + h(x), which is positive."""
    return torch.where(x < EDGE, excess_far_left(x), x + log_hazard.exp())


def excess_far_left(x: Tensor) -> Tensor:
    r""":math:`x + h(x) = 1 / (t + 2 / (t + 3 / (t + \dots)))` with t = -x."""
    t = -torch.where(x < EDGE, x, EDGE)
    c = t
    for k in range(20 if x.dtype == torch.float64 else 10, 1, -1):
        c = t + k / c
    return 1 / c


def mills_ratio(a: Tensor) -> Tensor:
    r""":math:`e^{a^2/2} \Phi(-a)` for :math:`a \geq 0`.

    Shape:
        ``batch``, of 32 bits or more, to ``batch``.
    """
    c, coefficients = DOUBLE if a.dtype == torch.float64 else SINGLE
    w = c / (c + a)
    z = w - 0.5
    total = coefficients[0] * z + coefficients[1]
    for coefficient in coefficients[2:]:
        total = total * z + coefficient
    return w * total
