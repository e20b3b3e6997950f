"""The maximum of independent Gaussians: its distribution."""

from collections.abc import Callable

import torch
from torch import Tensor

from pyro_igr._numerics.normal import log_ndtr, log_ndtr_and_hazard

# Nine standard deviations below its mean a Gaussian has e^-40 of its mass.
REACH = 9.0


def log_cdf_and_survival(
    t: Tensor, loc: Tensor, scale: Tensor, log_tail: Callable = log_ndtr
) -> tuple[Tensor, Tensor]:
    r"""Logs of :math:`F(t) = \prod_j \Phi((t - \mu_j) / \sigma_j)` and 1 - F(t).

    The second is free of cancellation, however small it is:

    .. math:: 1 - \prod_j \Phi_j = \sum_j (1 - \Phi_j) \prod_{i<j} \Phi_i

    Shape:
        ``t`` and both results: ``batch``; ``loc``, ``scale``: ``batch + (n,)``.
    """
    u = (t.unsqueeze(-1) - loc) / scale
    log_phi, log_rest = _log_cdf_and_survival_of_normal(u, log_tail)
    before = log_phi.cumsum(-1) - log_phi
    return log_phi.sum(-1), log_sum(log_rest + before, -1)


def log_sum(x: Tensor, dim: int) -> Tensor:
    """Log of a sum of exponentials; its gradient is a mean, however large x is.

    That needs the weights to be normalised themselves: where x is -1e8 in float32, the
    logarithm of their sum is lost beside it.
    """
    top = x.detach().amax(dim, keepdim=True)
    return (x - top).exp().sum(dim).log() + top.squeeze(dim)


def _log_cdf_and_survival_of_normal(
    u: Tensor, log_tail: Callable
) -> tuple[Tensor, Tensor]:
    """Both from one special function, that of the smaller of the two."""
    right = u > 0
    smaller = log_tail(torch.where(right, -u, u))
    larger = (-smaller.exp()).log1p()
    return torch.where(right, larger, smaller), torch.where(right, smaller, larger)


def log_reversed_hazards(t: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    r"""Log of :math:`r_j(t) = \phi(u_j) / (\sigma_j \Phi(u_j))`.

    Shape:
        ``t``: ``batch``; ``loc``, ``scale`` and result: ``batch + (n,)``.
    """
    return log_cdf_and_hazards(t, loc, scale)[1]


def log_cdf_and_hazards(t: Tensor, loc: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    r"""Log of :math:`F(t)`, and :func:`log_reversed_hazards`.

    Shape:
        ``t`` and the first result: ``batch``; the others: ``batch + (n,)``.
    """
    log_phi, log_hazard = log_ndtr_and_hazard((t.unsqueeze(-1) - loc) / scale)
    return log_phi.sum(-1), log_hazard - scale.log()


def from_the_maximum(loc: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Means, and 0, measured from a point below all but e^-40 of the maximum.

    Around a maximum that lies far from 0 the floats are sparse.

    Shape:
        ``loc``, ``scale`` and the first result: ``batch + (n,)``; the second, which is
        not positive and has no gradient: ``batch``.
    """
    low = (loc - REACH * scale).amax(-1).clamp(min=0).detach()
    return loc - low.unsqueeze(-1), -low
