"""Interpolation of stick-breaking weights to the nearest vertex (eq. 17)."""

import math

import torch
from torch import Tensor

from pyro_igr._numerics.largest import is_first_largest
from pyro_igr.transforms._sticks import log_weights, logits_of_sticks
from pyro_igr.transforms._tempering import TemperedMap


class Vertex(TemperedMap):
    r"""Towards the nearest vertex: z = tau w + (1 - tau) e_argmax(w), tau <= 1.

    The image is K copies of the cells :math:`\{\arg\max w = k\}`, shrunken by tau
    towards their vertices. The map jumps between cells, so density and KL are right
    but pathwise gradients miss the jumps: they are biased for tau < 1.
    """

    fills_simplex = False
    max_temperature = 1.0

    def to_log(self, y: Tensor, tau: Tensor) -> Tensor:
        log_w = log_weights(y)
        nearest = torch.log1p(tau * torch.expm1(log_w))
        return torch.where(is_first_largest(log_w), nearest, tau.log() + log_w)

    def from_log(self, log_z: Tensor, tau: Tensor) -> Tensor:
        inside = self.contains(log_z.exp(), tau)
        log_w = _log_weights_of(log_z, tau)
        inside = inside.unsqueeze(-1) & log_w.isfinite().all(-1, keepdim=True)
        y = logits_of_sticks(torch.where(inside, log_w, -math.log(log_w.shape[-1])))
        return torch.where(inside, y, torch.nan)

    def log_det(self, y: Tensor, log_z: Tensor, tau: Tensor) -> Tensor:
        return log_weights(y).sum(-1) + y.shape[-1] * tau.log().squeeze(-1)

    def contains(self, z: Tensor, tau: Tensor) -> Tensor:
        largest = is_first_largest(z)
        w = (z - (1 - tau) * largest) / tau
        nearest = torch.where(largest, w, -torch.inf).amax(-1, keepdim=True)
        tolerance = torch.finfo(z.dtype).eps ** 0.5
        inside = ((w > -tolerance) & (w < nearest + tolerance)).all(-1)
        return inside & ((z.sum(-1) - 1).abs() < tolerance)


def _log_weights_of(log_z: Tensor, tau: Tensor) -> Tensor:
    change = torch.expm1(log_z) / tau
    is_positive = change > -1
    nearest = torch.where(is_positive, change, 0.0).log1p()
    nearest = torch.where(is_positive, nearest, -torch.inf)
    return torch.where(is_first_largest(log_z), nearest, log_z - tau.log())
