"""The means whose argmax has given probabilities: the inverse of Prop. 2."""

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import pad

from pyro_igr._numerics.checks import check_positive
from pyro_igr._numerics.chunks import by_chunks
from pyro_igr._numerics.newton import damped_newton, implicit_root
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.probit import probit_of_log_odds
from pyro_igr._numerics.shapes import broadcast_shapes, check_shapes
from pyro_igr.discrete._check_probs import to_log_probs
from pyro_igr.discrete._log_odds import residual_and_jacobian
from pyro_igr.discrete._rules import (
    COARSE,
    Rule,
    are_common,
    panels_of,
    rule_for,
    width_of,
)

# Negligible beside 1, even in single precision.
SMALL = 1e-8


def match_probs(
    probs: Tensor,
    scale: Tensor | float = 1.0,
    num_panels: int | None = None,
    num_nodes: int | None = None,
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
        num_nodes: quadrature nodes in each panel, likewise.

    Raises:
        ValueError: if an entry of ``probs`` or ``scale`` is not positive.

    Accuracy:
        The probabilities are met to 1e-9 in float64 and to 1e-5 in float32 (scale 1, K
        = 2 to 200). Masked categories, of logits down to -1e9, leave the others theirs
        to 1e-8, and to 1e-3 in float32, where a masked category K makes means so large
        that their rounding shows. How rare a category is beside one of large mean is
        met to a tenth of its log (K = 4); ``argmax_probs`` tells it less exactly.
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
    given = to_log_probs(probs, None), scale, num_panels, num_nodes
    _, dtype = in_full_precision(probs, scale)
    return match_log_probs(*given, validate_args=False).to(dtype)


def match_log_probs(
    log_probs: Tensor,
    scale: Tensor | float = 1.0,
    num_panels: int | None = None,
    num_nodes: int | None = None,
    *,
    validate_args: bool | None = None,
) -> Tensor:
    """:func:`match_probs` from log probabilities, which it normalises."""
    check_positive(scale=scale, validate_args=validate_args)
    (log_probs, scale), dtype = in_full_precision(log_probs, scale)
    shapes = {"loc": log_probs[..., 1:].shape, "scale": scale.shape}
    check_shapes(shapes, is_matched=True)
    rule = panels_of(num_panels, num_nodes) or rule_for(scale)
    if isinstance(rule, str) and not are_common(log_probs):
        rule = COARSE
    target = log_probs.log_softmax(-1)
    n = target.shape[-1] - 1
    batch = broadcast_shapes(target.shape[:-1], scale.shape[:-1])
    target, scale = target.expand(*batch, n + 1), scale.expand(*batch, n)

    return _solve(target, scale, rule).to(dtype)


def _solve(target: Tensor, scale: Tensor, rule: Rule) -> Tensor:
    excess = partial(residual_and_jacobian, rule=rule)

    def newton(target: Tensor, scale: Tensor) -> Tensor:
        return damped_newton(
            lambda loc: excess(loc, target, scale),
            _start(target, scale),
            error_of=partial(_error, target),
        )

    def differentiate(loc: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        return implicit_root(loc, excess, target, scale)

    width = width_of(scale, rule)
    with torch.no_grad():
        loc = by_chunks(newton, width, target, scale)
    return by_chunks(differentiate, width, loc, target, scale)


def _error(target: Tensor, excess: Tensor) -> Tensor:
    """The excess of each log probability, in units of its rounding.

    Beside the most probable category: log odds to one that is very rare are so large
    that their rounding hides all others.
    """
    excess = pad(excess, (0, 1))
    excess = excess - excess.gather(-1, target.argmax(-1, keepdim=True))
    rounding = 100 * torch.finfo(target.dtype).eps * (-target).clamp(min=1)
    return (excess.abs() / rounding).amax(-1, keepdim=True)


def _start(target: Tensor, scale: Tensor) -> Tensor:
    r"""The answer if :math:`-\log \Phi(-\mu_j / \sigma_j)` were proportional to p.

    These add up to :math:`-\log p_K`: it is the answer where probabilities are equal.
    """
    total = -target[..., -1:]
    log_share = target[..., :-1] + _log_quotient(total)
    share = log_share.exp()
    return -scale * probit_of_log_odds(_log_quotient(share) - log_share - share)


def _log_quotient(x: Tensor) -> Tensor:
    """Log of x / (1 - exp(-x)), which tends to 0 with x."""
    x = x.clamp(min=SMALL)
    return (x / -(-x).expm1()).log()
