"""The stick-breaking map SB(sigmoid(y)), in log space."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad


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
    tail = torch.logcumsumexp(log_w[..., 1:].flip(-1), -1).flip(-1)
    return log_w[..., :-1] - tail
