"""What IGR and its logarithm have in common: softmax++ of a Gaussian."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import constraints

from pyro_igr.discrete import (
    log_argmax_probs,
    match_log_probs,
    straight_through,
    with_gradient_of,
)
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.noise import ArgmaxNoise


class SoftmaxPlusPlus(GaussianPushforward):
    """What z and its logarithm have in common."""

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        **GaussianPushforward.arg_constraints,
        "delta": constraints.positive,
    }
    options: ClassVar[tuple[str, ...]] = ("delta",)
    noise_type: type | None = ArgmaxNoise
    delta: Tensor

    def __init__(
        self,
        temperature: Tensor | float,
        loc: Tensor,
        scale: Tensor | float,
        delta: Tensor | float = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(
            temperature, loc, scale, delta=delta, validate_args=validate_args
        )

    @property
    def unit_shift(self) -> Tensor:
        return -self.delta.log()

    def _log_probs(self) -> Tensor:
        return log_argmax_probs(self.loc, self.scale, validate_args=False)

    @staticmethod
    def _match(
        log_probs: Tensor, scale: Tensor | float, delta: Tensor | float = 1.0
    ) -> Tensor:
        return match_log_probs(log_probs, scale, validate_args=False)

    # Delta weighs category K in a relaxed value, and not in the one-hot one.
    def _harden(self, z: Tensor) -> Tensor:
        last = z[..., -1:] / self.delta.unsqueeze(-1)
        hard = straight_through(torch.cat([z[..., :-1], last], -1))
        return with_gradient_of(z, hard)
