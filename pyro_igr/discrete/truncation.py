"""Truncation of countably many weights to those that matter (eq. 19)."""

import torch
from torch import Tensor

from pyro_igr._numerics.checks import (
    check_probabilities,
    check_rounding,
    refuse_complex,
)
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.shapes import check_vectors

# By how much a sum of weights may exceed 1, in any precision.
ROUNDING = 0.1


def truncate(weights: Tensor, rho: Tensor | float) -> Tensor:
    r"""Keeps the first weights that make up more than :math:`\rho`, sums the others.

    .. math:: K_\rho = \min \Big\{k: \sum_{i \le k} w_i > \rho\Big\}

    Entries up to and including :math:`K_\rho` are kept, those beyond are zero, and
    their mass is in the last entry, the rest. At :math:`\rho = 1` all are kept. The
    number that is kept is a constant to gradients, which are those of the entries.

    Shape:
        ``weights``: ``batch + (K,)``; ``rho``: ``batch`` or a plain number; result
        ``batch + (K,)``.

    Args:
        weights: points of the simplex, the last entry the rest.
        rho: the mass to exceed, in [0, 1].

    Raises:
        ValueError: if ``rho`` or an entry of ``weights`` is outside [0, 1], or ``rho``
            is less than 1 and rounds to 1 in the dtype of ``weights``.

    Accuracy:
        Values sum to 1 as the weights do, to 4 units in the last place.
    Source:
        IGR (Potapczynski et al., 2020), eq. 19; the last entry is ours.

    Example:
        >>> import torch
        >>> from pyro_igr import truncate
        >>> truncate(torch.tensor([0.5, 0.25, 0.125, 0.125]), 0.7)
        tensor([0.5000, 0.2500, 0.0000, 0.2500])
    """
    _check(weights, rho)
    (weights,), dtype = in_full_precision(weights)
    goes_on = _goes_on(weights, rho)
    is_active = torch.cat([torch.ones_like(goes_on[..., :1]), goes_on[..., :-1]], -1)
    kept = torch.where(is_active, weights[..., :-1], 0.0)
    others = torch.where(is_active, 0.0, weights[..., :-1])
    rest = others.sum(-1, keepdim=True) + weights[..., -1:]
    return torch.cat([kept, rest], -1).to(dtype)


def num_active(weights: Tensor, rho: Tensor | float) -> Tensor:
    r"""The number :math:`K_\rho` of entries that :func:`truncate` keeps.

    K, the rest included, if the others together do not exceed ``rho``.

    Shape:
        ``weights``: ``batch + (K,)``; ``rho``: ``batch`` or a plain number; result
        ``batch``, integers.

    Args:
        weights: points of the simplex, the last entry the rest.
        rho: the mass to exceed, in [0, 1].

    Raises:
        ValueError: if ``rho`` or an entry of ``weights`` is outside [0, 1], or ``rho``
            is less than 1 and rounds to 1 in the dtype of ``weights``.

    Source:
        IGR (Potapczynski et al., 2020), eq. 19.

    Example:
        >>> import torch
        >>> from pyro_igr import num_active
        >>> num_active(torch.tensor([0.5, 0.25, 0.125, 0.125]), 0.7)
        tensor(2)
    """
    _check(weights, rho)
    (weights,), _ = in_full_precision(weights)
    return 1 + _goes_on(weights, rho).sum(-1)


def _check(weights: Tensor, rho: Tensor | float) -> None:
    refuse_complex(weights=weights)
    check_vectors(weights=weights)
    check_probabilities(rho=rho)
    check_probabilities(weights=weights, slack=ROUNDING)
    (weights,), _ = in_full_precision(weights)
    check_rounding(weights.dtype, rho=rho)


def _goes_on(weights: Tensor, rho: Tensor | float) -> Tensor:
    """Whether what is left after each weight but the last matters.

    A sum from the end: exact where almost nothing is left.
    """
    left = weights.flip(-1).cumsum(-1).flip(-1)[..., 1:]
    rho = torch.as_tensor(rho, dtype=left.dtype, device=left.device)
    return left >= (1 - rho).unsqueeze(-1)
