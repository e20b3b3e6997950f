"""The means whose argmax has given probabilities: the inverse of Prop. 2."""

import torch
from torch import Tensor

from pyro_igr._numerics.checks import check_positive
from pyro_igr._numerics.newton import damped_newton, implicit_root
from pyro_igr._numerics.normal_maximum import log_reversed_hazards
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.probit import probit_of_log_odds
from pyro_igr.discrete._check_probs import to_log_probs
from pyro_igr.discrete.argmax import integrand, log_probs_from


def match_probs(
    probs: Tensor,
    scale: Tensor | float = 1.0,
    num_panels: int = 16,
    num_nodes: int = 8,
) -> Tensor:
    r"""The unique ``loc`` for which ``argmax_probs(loc, scale)`` is ``probs``.

    :math:`A(\mu) = E \max(0, y)` is convex with gradient ``argmax_probs``, so that
    every interior point of the simplex is reached by exactly one mean. Found by
    damped Newton steps on the log probabilities; differentiable in ``probs`` and
    ``scale`` by the implicit function theorem, three times.

    Shape:
        ``probs``: ``batch + (K,)``; ``scale``: ``batch + (K-1,)`` or a plain number;
        result ``batch + (K-1,)``.

    Args:
        probs: probabilities, all positive; weights are normalised.
        scale: standard deviations of the Gaussians, positive.
        num_panels: quadrature panels, as in ``argmax_probs``.
        num_nodes: quadrature nodes in each panel.

    Raises:
        ValueError: if an entry of ``probs`` or ``scale`` is not positive.

    Accuracy:
        The probabilities are met to 1e-10 in float64 and to 1e-6 in float32 (scale 1, K
        = 2 to 200).
    Source:
        Not in the paper, which gives up the interpretation of its parameters.

    Example:
        >>> import torch
        >>> from pyro_igr import argmax_probs, match_probs
        >>> loc = match_probs(torch.tensor([0.5, 0.3, 0.2]))
        >>> argmax_probs(loc, torch.ones(2))
        tensor([0.5000, 0.3000, 0.2000])
    """
    check_positive(scale=scale)
    log_probs = to_log_probs(probs, None)
    _, dtype = in_full_precision(probs, scale)
    return match_log_probs(log_probs, scale, num_panels, num_nodes).to(dtype)


def match_log_probs(
    log_probs: Tensor,
    scale: Tensor | float = 1.0,
    num_panels: int = 16,
    num_nodes: int = 8,
) -> Tensor:
    """:func:`match_probs` from log probabilities, which it normalises."""
    (log_probs, scale), dtype = in_full_precision(log_probs, scale)
    target = log_probs.log_softmax(-1)
    n = target.shape[-1] - 1
    batch = torch.broadcast_shapes(target.shape[:-1], scale.shape[:-1])
    target, scale = target.expand(*batch, n + 1), scale.expand(*batch, n)
    rule = num_panels, num_nodes

    def excess(loc: Tensor) -> tuple[Tensor, Tensor]:
        return _residual_and_jacobian(loc, target, scale, rule)

    with torch.no_grad():
        rounding = 100 * torch.finfo(target.dtype).eps
        loc = damped_newton(
            excess,
            _start(target, scale),
            tolerance=rounding * (-target).amax(-1, keepdim=True).clamp(min=1),
        )
    return implicit_root(loc, excess).to(dtype)


def _start(target: Tensor, scale: Tensor) -> Tensor:
    """The answer if category k had only category K to beat."""
    return scale * probit_of_log_odds(target[..., :-1] - target[..., -1:])


def _residual_and_jacobian(
    loc: Tensor, target: Tensor, scale: Tensor, rule: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    r"""Excess of the log odds :math:`\log p_j - \log p_K`, and their derivatives.

    Those of :math:`\log p_j` in :math:`\mu_k` are :math:`-p_j^{-1} \int F r_j r_k dt`
    off the diagonal, and a row of them sums to :math:`F(0) r_j(0) / p_j`, since a
    common shift only moves mass from category K; that of :math:`\log p_K = \log F(0)`
    is :math:`-r_k(0)`.
    """
    log_density, log_hazards = integrand(loc, scale, *rule)
    log_probs = log_probs_from(log_density, log_hazards, loc, scale)
    log_odds = log_probs[..., :-1] - log_probs[..., -1:]
    weights = (log_density.unsqueeze(-1) + log_hazards).softmax(0)
    off = -torch.einsum("t...j,t...k->...jk", weights, log_hazards.exp())
    off = off - torch.diag_embed(off.diagonal(dim1=-2, dim2=-1))
    log_hazards_0 = log_reversed_hazards(torch.zeros_like(loc[..., 0]), loc, scale)
    row_sums = (log_hazards_0 - log_odds).exp()
    jacobian = off + torch.diag_embed(row_sums - off.sum(-1))
    jacobian = jacobian + log_hazards_0.exp().unsqueeze(-2)
    return log_odds - (target[..., :-1] - target[..., -1:]), jacobian
