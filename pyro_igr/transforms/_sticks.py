"""The stick-breaking map SB(sigmoid(y)), in log space."""

from itertools import accumulate

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

from pyro_igr._numerics.log_sums import log_sums_from

# So many entries are added one by one, in vector instructions along the batch.
FEW = 32


def log_weights(y: Tensor) -> Tensor:
    r"""Log weights of sticks broken at :math:`\sigma(y_k)`, the last one the rest.

    .. math:: \log w_k = \log \sigma(y_k) + \sum_{i<k} \log \sigma(-y_i)

    They sum to one up to rounding, so that nothing has to be normalised.

    Shape:
        ``batch + (K-1,)`` to ``batch + (K,)``.
    Source:
        IGR (Potapczynski et al., 2020), eq. 16 after a sigmoid, with the remainder as
        category K.
    """
    broken = pad(logsigmoid(y), (0, 1))
    left = pad(logsigmoid(-y).cumsum(-1), (1, 0))
    return broken + left


def logits_of_sticks(log_w: Tensor) -> Tensor:
    r"""Inverse of :func:`log_weights`: the logits of the breaks.

    .. math:: y_k = \log w_k - \log \sum_{i>k} w_i

    Shape:
        ``batch + (K,)`` to ``batch + (K-1,)``.
    """
    return log_w[..., :-1] - _log_sums_from(log_w[..., 1:])


def _log_sums_from(x: Tensor) -> Tensor:
    """Log of the sum of exponentials of each entry and all after it."""
    if x.shape[-1] > FEW or not x.shape[-1]:
        return log_sums_from(x)
    *others, last = x.unbind(-1)
    sums = accumulate(reversed(others), torch.logaddexp, initial=last)
    return torch.stack(list(sums)[::-1], -1)
