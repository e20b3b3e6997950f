"""Truncation of countably many weights to those that matter (eq. 19)."""

import torch
from torch import Tensor


def truncate(weights: Tensor, rho: Tensor | float) -> Tensor:
    r"""Keeps the first weights that make up more than :math:`\rho`, sums the others.

    .. math:: K_\rho = \min \Big\{k: \sum_{i \le k} w_i > \rho\Big\}

    Entries up to and including :math:`K_\rho` are kept, those beyond are zero, and
    their mass is in the last entry, the rest. At :math:`\rho = 1` all are kept. The
    number that is kept is a constant to gradients, which are those of the entries.

    Shape: ``weights``: ``batch + (K,)``; ``rho``: ``batch`` or a plain number; result
    ``batch + (K,)``.

    Args:
        weights: points of the simplex, the last entry the rest.
        rho: the mass to exceed, in [0, 1].

    Accuracy: values sum to 1 as the weights do, to 4 units in the last place.
    Source: IGR (Potapczynski et al., 2020), eq. 19; the last entry is ours.
    """
    left = _mass_beyond(weights)
    goes_on = left >= _allowed(rho, left)
    is_active = torch.cat([torch.ones_like(goes_on[..., :1]), goes_on[..., :-1]], -1)
    kept = torch.where(is_active, weights[..., :-1], 0.0)
    last_active = (is_active.sum(-1, keepdim=True) - 1).clamp(min=0)
    return torch.cat([kept, left.gather(-1, last_active)], -1)


def num_active(weights: Tensor, rho: Tensor | float) -> Tensor:
    r"""The number :math:`K_\rho` of entries that :func:`truncate` keeps.

    K, the rest included, if the others together do not exceed ``rho``.

    Shape: ``weights``: ``batch + (K,)``; ``rho``: ``batch`` or a plain number; result
    ``batch``, integers.

    Args:
        weights: points of the simplex, the last entry the rest.
        rho: the mass to exceed, in [0, 1].

    Source: IGR (Potapczynski et al., 2020), eq. 19.
    """
    left = _mass_beyond(weights)
    return 1 + (left >= _allowed(rho, left)).sum(-1)


def _mass_beyond(weights: Tensor) -> Tensor:
    """What is left after each entry but the last: exact where almost nothing is."""
    return weights.flip(-1).cumsum(-1).flip(-1)[..., 1:]


def _allowed(rho: Tensor | float, like: Tensor) -> Tensor:
    return (1 - torch.as_tensor(rho).to(like)).unsqueeze(-1)
