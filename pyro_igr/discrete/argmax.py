"""The discrete distribution of argmax([y, 0]) for Gaussian y (Prop. 2)."""

from functools import partial

import torch
from torch import Tensor

from pyro_igr._numerics.bulk_nodes import bulk_nodes
from pyro_igr._numerics.chunks import by_chunks
from pyro_igr._numerics.maximum_integrals import log_integrals
from pyro_igr._numerics.normal import log_ndtr
from pyro_igr._numerics.normal_maximum import (
    log_cdf_and_hazards,
    log_cdf_and_survival,
    log_sum,
)
from pyro_igr._numerics.normal_tails import log_ndtr_of_both
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.quantiles import panel_nodes
from pyro_igr._numerics.shapes import check_shapes
from pyro_igr.discrete._check_probs import check_gaussians
from pyro_igr.discrete._rules import Rule, nodes_of, panels_of, rule_for, width_of


def argmax_probs(
    loc: Tensor,
    scale: Tensor,
    num_panels: int | None = None,
    num_nodes: int | None = None,
) -> Tensor:
    r"""Probabilities of the largest of K-1 independent Gaussians and 0.

    With :math:`F(t) = \prod_j \Phi((t - \mu_j)/\sigma_j)`, the CDF of the largest
    Gaussian, and the reversed hazards :math:`r_k = \phi / (\sigma_k \Phi)`,

    .. math:: p_k = \int_0^\infty F(t) \, r_k(t) \, dt \quad (k < K), \qquad p_K = F(0)

    All categories share the quadrature nodes, so the cost is K times their number. For
    scales within a factor of 5 of one another these are in the bulk of the maximum;
    for others, and if a number is given, in panels between its quantiles, at many times
    the cost, and at 8 times theirs if the factor is above 20. Under ``jit`` NumPyro
    chooses as it runs; Pyro uses panels unless ``scale`` has a single entry.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; result ``batch + (K,)``.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations, positive.
        num_panels: number of quantile panels of the largest Gaussian; where panels
            are needed 16 by default, 64 for scales that are not within a factor of 20.
        num_nodes: number of Gauss-Legendre nodes in each panel; 8 and 16 likewise.

    Raises:
        ValueError: if ``loc`` is not real, or ``scale`` or a number not positive.

    Accuracy:
        For scales within a factor of 5, total variation at most 1e-10 in float64 and
        5e-6 in float32 (K = 2 to 1000), and gradients of probabilities alike. For
        others (K = 10, float64) at most 1e-4 for scales in [0.05, 5]; for 98 of 100 at
        random 1e-6 there, 1e-4 in [0.005, 10] (farther apart, ask for more panels) and,
        under ``jit`` in Pyro or with 16 panels of 8 nodes, 1e-4 in [0.05, 5].
        Log probabilities and their gradients to 1e-3, relative, for means up to 1e6
        scales from 0, none far above 0. Beside one, of p below 1e-15 to 5 percent for
        means up to 15 equal scales from 0; else they may be several times too low.
    Source:
        IGR (Potapczynski et al., 2020), Prop. 2 and eq. 21; the appendix's eq. 29 lost
        the factor 1 / scale. Both quadratures are ours.

    Example:
        >>> import torch
        >>> from pyro_igr import argmax_probs
        >>> argmax_probs(torch.zeros(2), torch.ones(2))
        tensor([0.3750, 0.3750, 0.2500])
    """
    check_gaussians(loc, scale)
    (loc, scale), dtype = in_full_precision(loc, scale)
    given = loc, scale, num_panels, num_nodes
    return log_argmax_probs(*given, validate_args=False).exp().to(dtype)


def log_argmax_probs(
    loc: Tensor,
    scale: Tensor,
    num_panels: int | None = None,
    num_nodes: int | None = None,
    *,
    validate_args: bool | None = None,
) -> Tensor:
    """Log of :func:`argmax_probs`: same arguments, shapes and checks; in nats."""
    check_gaussians(loc, scale, validate_args=validate_args)
    (loc, scale), dtype = in_full_precision(loc, scale)
    check_shapes({"loc": loc.shape, "scale": scale.shape})
    loc, scale = torch.broadcast_tensors(loc, scale)
    rule = panels_of(num_panels, num_nodes) or rule_for(scale)
    return _log_probs(loc, scale, rule).to(dtype)


def _log_probs(loc: Tensor, scale: Tensor, rule: Rule) -> Tensor:
    if loc.shape[-1] == 1:
        return torch.cat(log_ndtr_of_both(loc / scale), -1).log_softmax(-1)
    if isinstance(rule, str):
        return _from_bulk(loc, scale, rule)
    integrate = partial(_from_panels, rule=rule)
    return by_chunks(integrate, width_of(loc, rule), loc, scale)


# Categories come first, so that operations run along the batch.
def _from_bulk(loc: Tensor, scale: Tensor, rule: str) -> Tensor:
    shape = loc.shape
    loc, scale = (x.reshape(-1, shape[-1]).T.contiguous() for x in (loc, scale))
    log_last = log_ndtr(-loc / scale).sum(0, keepdim=True)
    loc, t, log_weights = bulk_nodes(loc, scale, nodes_of(rule, loc, len(loc)))
    log_p = log_integrals(loc, scale, t, log_weights)
    log_p = torch.cat([log_p, log_last])
    log_p = log_p - log_p.logsumexp(0)
    return log_p.T.reshape(*shape[:-1], shape[-1] + 1)


def _from_panels(loc: Tensor, scale: Tensor, rule: tuple[int, int]) -> Tensor:
    return log_probs_from(*integrand(loc, scale, *rule)[:2], loc, scale)


def log_probs_from(
    log_density: Tensor, log_hazards: Tensor, loc: Tensor, scale: Tensor
) -> Tensor:
    """Log probabilities, normalised, from the :func:`integrand` at its nodes."""
    log_p = log_sum(log_density.unsqueeze(-1) + log_hazards, 0)
    log_last, log_others = log_cdf_and_survival(
        torch.zeros_like(loc[..., 0]), loc, scale
    )
    log_p = log_p.log_softmax(-1) + log_others.unsqueeze(-1)
    return torch.cat([log_p, log_last.unsqueeze(-1)], -1).log_softmax(-1)


def integrand(
    loc: Tensor, scale: Tensor, num_panels: int, num_nodes: int
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Log of weight times :math:`F(t)`, :math:`\log r_k(t)`, u = (t - loc) / scale.

    The nodes t lie between quantiles of the maximum, and carry no gradient.

    Shape:
        ``loc``, ``scale``: ``batch + (n,)``; results ``nodes + batch`` and, the others,
        ``nodes + batch + (n,)``.
    """
    loc, t, log_weights = panel_nodes(loc, scale, (num_panels, num_nodes))
    log_f, log_hazards = log_cdf_and_hazards(t, loc, scale)
    return log_weights + log_f, log_hazards, (t.unsqueeze(-1) - loc) / scale
