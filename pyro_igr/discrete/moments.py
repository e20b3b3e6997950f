"""The means for which a relaxed value has a given mean (eq. 14)."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from pyro_igr._numerics.antithetic_noise import antithetic_noise, check_pairs
from pyro_igr._numerics.checks import check_positive
from pyro_igr._numerics.newton import damped_newton, implicit_root
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr.discrete._check_probs import check_probs
from pyro_igr.discrete.matching import match_log_probs


def match_moments(
    probs: Tensor,
    temperature: Tensor | float,
    scale: Tensor | float = 1.0,
    delta: Tensor | float = 1.0,
    num_samples: int = 10_000,
) -> tuple[Tensor, Tensor]:
    r"""The parameters at which the mean of the relaxed value is ``probs``.

    .. math::
        \mu = \arg\min_\mu \| E z - p \|^2, \quad
        z = \text{softmax}([y / \tau, \log \delta]), \quad y \sim N(\mu, \sigma^2)

    at the given scale. :math:`\tau E \log (\delta + \sum_k e^{y_k / \tau})` is strictly
    convex with gradient E z, so that every interior point of the simplex is the mean of
    exactly one distribution. The expectation is over a fixed antithetic sample, and the
    solution by damped Newton steps from that of ``match_probs``, which it tends to as
    the temperature falls; differentiable by the implicit function theorem, three times.

    At a high temperature the discrete distribution of the result is not ``probs``: for
    priors prefer ``from_probs``.

    Shape:
        ``probs``: ``batch + (K,)``; ``temperature``, ``delta``: ``batch`` or plain
        numbers; ``scale``: ``batch + (K-1,)`` or a plain number; results
        ``batch + (K-1,)``.

    Args:
        probs: the mean to match, all entries positive; weights are normalised.
        temperature: :math:`\tau`, positive.
        scale: standard deviations of the Gaussians, positive.
        delta: weight of category K, positive.
        num_samples: size of the sample, even.

    Returns:
        ``loc`` and ``scale``, as the constructor of ``IGR`` takes them.

    Raises:
        ValueError: if ``temperature``, ``scale``, ``delta`` or an entry of ``probs``
            is not positive, or ``num_samples`` not positive and even.

    Accuracy:
        The mean is met to 0.01 (temperatures from 0.01 to 1); the error falls with the
        square root of ``num_samples``.
    Source:
        IGR (Potapczynski et al., 2020), eq. 14, which as printed,
        :math:`E \| z - p \|^2`, is least for the point mass at p: its scale falls to 0.
        Hence the distance of the means, at a scale that is given.

    Example:
        >>> import torch
        >>> from pyro_igr import IGR, match_moments
        >>> loc, scale = match_moments(torch.tensor([0.5, 0.3, 0.2]), temperature=0.5)
        >>> z = IGR(0.5, loc, scale).rsample((10_000,))
        >>> print(f"{z.mean(0)[0]:.1f}")
        0.5
    """
    check_probs(probs)
    check_positive(temperature=temperature, scale=scale, delta=delta)
    check_pairs(num_samples)
    (probs, temperature, scale, delta), dtype = in_full_precision(
        probs, temperature, scale, delta
    )
    target = probs / probs.sum(-1, keepdim=True)
    n = target.shape[-1] - 1
    batch = broadcast_shapes(
        target.shape[:-1], scale.shape[:-1], temperature.shape, delta.shape
    )
    target, scale = target.expand(*batch, n + 1), scale.expand(*batch, n)
    noise = antithetic_noise(num_samples, target[..., 1:])
    arguments = scale, temperature.unsqueeze(-1), delta.unsqueeze(-1), noise

    with torch.no_grad():
        loc = damped_newton(
            lambda loc: _residual_and_jacobian(loc, target, *arguments),
            match_log_probs(target.log(), scale, validate_args=False),
            error_of=_error,
        )
    loc = implicit_root(loc, _residual_and_jacobian, target, *arguments)
    return loc.to(dtype), scale.to(dtype)


def _error(excess: Tensor) -> Tensor:
    rounding = 10 * torch.finfo(excess.dtype).eps
    return excess.abs().amax(-1, keepdim=True) / rounding


def _residual_and_jacobian(
    loc: Tensor,
    target: Tensor,
    scale: Tensor,
    temperature: Tensor,
    delta: Tensor,
    noise: Tensor,
) -> tuple[Tensor, Tensor]:
    r"""Excess of the mean of z, and its derivatives in the means of y.

    The derivatives are :math:`\tau^{-1} E[z_j (1_{j = k} - z_k)]`; a tiny diagonal
    keeps them invertible where entries of z underflow in the whole sample.
    """
    alr = (loc + scale * noise) / temperature - delta.log()
    z = pad(alr, (0, 1)).softmax(-1)[..., :-1]
    mean = z.mean(0)
    products = torch.einsum("m...j,m...k->...jk", z, z) / len(z)
    jacobian = (torch.diag_embed(mean) - products) / temperature.unsqueeze(-1)
    tiny = torch.diag_embed(torch.full_like(mean, torch.finfo(z.dtype).eps))
    return mean - target[..., :-1], jacobian + tiny
