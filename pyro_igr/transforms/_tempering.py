"""How a temperature acts on a broken stick: on sticks, weights, or by softmax++.

Throughout, ``w = SB(sigmoid(y))`` are the n = K-1 broken weights and the rest, without
the shift of y by which the hosts' stick-breaking makes them equal at y = 0, and ``tau``
is the temperature, with a last dimension of 1. A fourth map, eq. 17, is in ``_vertex``.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import log_softmax, pad

from pyro_igr.transforms._sticks import log_weights, logits_of_sticks


class TemperedMap:
    """Base of the four maps from y to z, by ``to_log``, ``from_log`` and ``log_det``.

    Where the image is not the whole simplex, ``fills_simplex`` is False and
    ``contains(z, tau)`` says which points of the simplex are in it.
    """

    fills_simplex: ClassVar[bool] = True
    max_temperature: ClassVar[float] = math.inf

    def to_log(self, y: Tensor, tau: Tensor) -> Tensor:
        raise NotImplementedError

    def from_log(self, log_z: Tensor, tau: Tensor) -> Tensor:
        raise NotImplementedError

    def log_det(self, y: Tensor, log_z: Tensor, tau: Tensor) -> Tensor:
        return log_z.sum(-1) - y.shape[-1] * tau.log().squeeze(-1)

    def contains(self, z: Tensor, tau: Tensor) -> Tensor:
        return constraints.simplex.check(z)


class Sticks(TemperedMap):
    """Inside every sigmoid: z = SB(sigmoid(y / tau))."""

    def to_log(self, y: Tensor, tau: Tensor) -> Tensor:
        return log_weights(y / tau)

    def from_log(self, log_z: Tensor, tau: Tensor) -> Tensor:
        return tau * logits_of_sticks(log_z)


class Weights(TemperedMap):
    """On the weights: z = softmax(log w / tau)."""

    def to_log(self, y: Tensor, tau: Tensor) -> Tensor:
        return log_softmax(log_weights(y) / tau, -1)

    def from_log(self, log_z: Tensor, tau: Tensor) -> Tensor:
        return logits_of_sticks(tau * log_z)


class SoftmaxPlusPlus(TemperedMap):
    """By softmax++ of the first n weights, eq. 18: z = softmax([w / tau, 0])."""

    fills_simplex = False

    def to_log(self, y: Tensor, tau: Tensor) -> Tensor:
        w = log_weights(y)[..., :-1].exp()
        return log_softmax(pad(w / tau, (0, 1)), -1)

    def from_log(self, log_z: Tensor, tau: Tensor) -> Tensor:
        w = tau * (log_z[..., :-1] - log_z[..., -1:])
        w = torch.cat([w, 1 - w.sum(-1, keepdim=True)], -1)
        inside = (w >= torch.finfo(w.dtype).tiny).all(-1, keepdim=True)
        y = logits_of_sticks(torch.where(inside, w, 1 / w.shape[-1]).log())
        return torch.where(inside, y, torch.nan)

    def log_det(self, y: Tensor, log_z: Tensor, tau: Tensor) -> Tensor:
        return super().log_det(y, log_z, tau) + log_weights(y).sum(-1)

    def contains(self, z: Tensor, tau: Tensor) -> Tensor:
        precision = torch.finfo(z.dtype)
        log_z = z.clamp(min=precision.tiny).log()
        w = tau * (log_z[..., :-1] - log_z[..., -1:])
        tolerance = precision.eps**0.5
        inside = (w > -tolerance).all(-1) & (w.mean(-1) < 1 / w.shape[-1] + tolerance)
        return inside & ((z.sum(-1) - 1).abs() < tolerance)
