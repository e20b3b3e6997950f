"""Integrals over the maximum of Gaussians, one for each that may be the largest."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pyro_igr._numerics.bulk_nodes import NUM_BELOW
from pyro_igr._numerics.normal import LOG_SQRT_2_PI
from pyro_igr._numerics.quick_normal import LOG_SMALLEST, quick_log_ndtr_and_hazard

# Numbers in an array that stays in the cache, and in the heap: beyond, every step takes
# several times as long.
CHUNK = 2**16
SQRT_HALF = math.sqrt(0.5)


def log_integrals(loc: Tensor, scale: Tensor, t: Tensor, log_weights: Tensor) -> Tensor:
    r"""Log of :math:`\int F r_k dt` at given nodes, and its derivatives by hand.

    With :math:`u = (t - \mu) / \sigma`, :math:`h = \phi / \Phi` and :math:`w_k` the
    share of a node in the k-th integral,

    .. math:: d \log \int F r_k = \sum_t w_k \Big[(u_k + h_k) \, \delta_k -
              \sum_j h_j \delta_j\Big] - \frac{d \sigma_k}{\sigma_k}, \qquad
              \delta = \frac{d \mu + u \, d \sigma}{\sigma}

    so that nothing is evaluated in a derivative that is not in the value. Derivatives
    of every order are right; nodes and weights are constants to them.

    Shape:
        ``loc``, ``scale`` and result: ``batch + (n,)``; nodes and log weights:
        ``batch + (nodes,)`` in NumPyro. In Pyro n and nodes are the first dimension.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes.
        log_weights: logs of their weights.
    """
    return _LogIntegrals.apply(loc, scale, t, log_weights)


def shares_and_hazards(
    loc: Tensor, scale: Tensor, t: Tensor, log_weights: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r""":func:`log_integrals`, and what their derivatives are made of, at each node.

    That is u, the shares :math:`w_k`, and the hazards :math:`h / \sigma`.

    Shape:
        The first result is as there; in NumPyro nodes are the last dimension of the
        others, in Pyro the first.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes.
        log_weights: logs of their weights.
    """
    u, log_hazard, top, shares = _terms(loc, scale, t, log_weights)
    total = shares.sum(0)
    return (
        total.log() + top - scale.log(),
        u,
        shares / total,
        log_hazard.clamp(min=LOG_SMALLEST).exp() / scale,
    )


class _LogIntegrals(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(*inputs: Tensor) -> Tensor:
        return _by_chunks(_value, *inputs)[0]

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: Tensor) -> None:  # noqa: ANN001
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple:  # noqa: ANN001
        return *_by_chunks(_pulled_back, *ctx.saved_tensors, gradient), None, None

    @staticmethod
    def jvp(ctx, d_loc: Tensor, d_scale: Tensor, *_: None) -> Tensor:  # noqa: ANN001
        loc, scale, t, _ = ctx.saved_tensors
        u, hazard, shares = _factors(*ctx.saved_tensors)
        zero = torch.zeros_like(loc)
        d_loc, d_scale = (zero if d is None else d for d in (d_loc, d_scale))
        shift = (d_loc + u * d_scale) / scale
        change = (u + hazard) * shift - (hazard * shift).sum(1, keepdim=True)
        return (shares * change).sum(0) - d_scale / scale


def _by_chunks(fn: Callable, loc: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Results for all members of the batch from those for some at a time."""
    size = max(1, CHUNK // max(1, len(others[1]) * len(loc)))
    parts = zip(*(x.split(size, -1) for x in (loc, *others)), strict=True)
    return tuple(torch.cat(x, -1) for x in zip(*(fn(*p) for p in parts), strict=True))


def _value(loc: Tensor, scale: Tensor, t: Tensor, log_weights: Tensor) -> tuple[Tensor]:
    _, _, top, shares = _terms(loc, scale, t, log_weights)
    return (shares.sum(0).log() + top - scale.log(),)


def _pulled_back(
    loc: Tensor, scale: Tensor, t: Tensor, log_weights: Tensor, gradient: Tensor
) -> tuple[Tensor, Tensor]:
    u, hazard, shares = _factors(loc, scale, t, log_weights)
    pull = gradient * shares
    pull = pull * (u + hazard) - hazard * pull.sum(1, keepdim=True)
    return pull.sum(0) / scale, ((pull * u).sum(0) - gradient) / scale


def _factors(*inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Standardised nodes, hazards at them, and their shares in the integrals."""
    u, log_hazard, _, shares = _terms(*inputs)
    hazard = log_hazard.clamp(min=LOG_SMALLEST).exp()
    return u, hazard, shares / shares.sum(0)


def _terms(
    loc: Tensor, scale: Tensor, t: Tensor, log_weights: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Standardised nodes, hazards, and the log of the largest term and all over it."""
    u = (t.unsqueeze(1) - loc) / scale
    log_cdf, log_hazard = _log_ndtr_and_hazard(u)
    log_terms = (log_weights + log_cdf.sum(1)).unsqueeze(1) + log_hazard
    top = log_terms.detach().amax(0)
    return u, log_hazard, top, (log_terms - top).clamp(min=LOG_SMALLEST).exp()


def _log_ndtr_and_hazard(u: Tensor) -> tuple[Tensor, Tensor]:
    """In the bulk by the host's own function, which is faster, and safe there."""
    near, far = u[NUM_BELOW:], quick_log_ndtr_and_hazard(u[:NUM_BELOW])
    log_cdf = (0.5 * (near * -SQRT_HALF).erfc()).log()
    log_hazard = -0.5 * near**2 - log_cdf - LOG_SQRT_2_PI
    return torch.cat([far[0], log_cdf]), torch.cat([far[1], log_hazard])
