"""Vertices of the simplex with gradients: of a relaxed point, or of logits."""

import math

import torch
from torch import Tensor

from pyro_igr._numerics.checks import check_positive, refuse_complex
from pyro_igr._numerics.largest import is_first_largest
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.shapes import check_vectors


def straight_through(z: Tensor) -> Tensor:
    r"""One-hot at the largest entry of z, with the gradient of z.

    The straight-through estimator, for relaxed values such as those of ``rsample``.

    .. math:: e_{\arg\max z} + (z - \text{stop\_gradient}(z))

    The largest entry has the probabilities ``.probs`` at any temperature in an ``IGR``
    or ``IGRFlow`` with delta 1, a Gumbel-Softmax, and an ``IGRStickBreaking`` with
    tempering "weights", "softmax++" or "vertex". With "sticks", the default, or another
    delta it has them in the limit of temperature 0 only: of ten equally probable sticks
    at temperature 1, the first is the largest in 40 % of the samples. There draw from
    ``RaoBlackwellized``, of ``IGR`` and "sticks".

    Shape:
        ``batch + (K,)``, input and result.

    Args:
        z: points of the simplex.

    Raises:
        TypeError: if ``z`` is complex.
        ValueError: if it is a number, or has no entries.

    Source:
        Bengio, Leonard and Courville (2013); IGR (Potapczynski et al., 2020), section
        3.3.

    Example:
        >>> import torch
        >>> from pyro_igr import straight_through
        >>> straight_through(torch.tensor([0.2, 0.7, 0.1]))
        tensor([0., 1., 0.])
    """
    refuse_complex(z=z)
    check_vectors(z=z)
    if z.shape[-1] == 0:
        raise ValueError(f"expected z to have K >= 1 entries, got shape {(*z.shape,)}")
    (z,), dtype = in_full_precision(z)
    hard = is_first_largest(z).to(z)
    return with_gradient_of(z, hard).to(dtype)


def reinmax(
    z: Tensor,
    logits: Tensor,
    temperature: Tensor | float = 1.0,
    *,
    validate_args: bool | None = None,
) -> Tensor:
    r"""A one-hot sample with a gradient of second order in the logits: ReinMax.

    .. math::
        z + (x - \text{stop\_gradient}(x)), \qquad x = 2 p_1 - p_0 / 2

    with :math:`p_0` the softmax of the logits, and :math:`p_1` that of logits to which
    constants are added, such that it is the mean of z and of the softmax of logits /
    temperature. For z drawn with :math:`p_0` and a temperature of 1 the mean gradient
    is exact where what follows is quadratic in z, that of straight-through where it is
    linear. There is no gradient in the temperature.

    Shape:
        ``z`` and result: ``sample + batch + (K,)``; ``logits``: ``batch + (K,)``;
        ``temperature``: ``batch`` or a plain number.

    Args:
        z: one-hot, drawn with the probabilities of the logits.
        logits: log probabilities up to a constant.
        temperature: positive, of the gradient alone.
        validate_args: whether to check ranges; the host's default if None.

    Raises:
        TypeError: if an argument is complex.
        ValueError: if ``temperature`` is not positive.

    Source:
        Liu, Dong, Liu, Yu and Gao (2023), algorithm 2, in logarithms.

    Example:
        >>> import torch
        >>> from pyro_igr.discrete import reinmax
        >>> logits = torch.zeros(2, requires_grad=True)
        >>> z = reinmax(torch.tensor([1.0, 0.0]), logits)
        >>> torch.autograd.grad(z[0], logits)[0]
        tensor([ 0.2500, -0.2500])
    """
    refuse_complex(z=z, logits=logits)
    check_positive(temperature=temperature, validate_args=validate_args)
    (z, logits, temperature), dtype = in_full_precision(z, logits, temperature)
    logits = logits.log_softmax(-1).clamp(min=torch.finfo(logits.dtype).min)
    with torch.no_grad():
        tempered = (logits / temperature.unsqueeze(-1)).log_softmax(-1)
        log_mean = torch.logaddexp(z.log(), tempered).detach() - math.log(2)
    mean = (log_mean + (logits - logits.detach())).softmax(-1)
    x = 2 * mean - logits.softmax(-1) / 2
    return with_gradient_of(x, z).to(dtype)


def with_gradient_of(x: Tensor, value: Tensor) -> Tensor:
    r"""The value, with the gradient of x: NaN where x is.

    .. math:: \text{value} + (x - \text{stop\_gradient}(x))

    Shape:
        ``x``, ``value`` and result: equal.

    Args:
        x: what has the gradient.
        value: what is returned, as x has its shape and dtype.
    """
    return value.detach() + (x - x.detach())
