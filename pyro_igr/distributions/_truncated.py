"""Values that are truncated where their weights exceed rho."""

import torch
from torch import Size, Tensor

from pyro_igr._host import is_all_true
from pyro_igr.discrete import num_active, truncate
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.stick_breaking import AT_ONE
from pyro_igr.transforms import StickBreakingTransform


class Truncated(GaussianPushforward):
    """The image of y, of which the weights beyond rho are joined to the rest."""

    rho: Tensor

    @property
    def unit_map(self) -> StickBreakingTransform | None:
        return AT_ONE if is_all_true(self.rho == 1) else None

    @property
    def unit_shift(self) -> Tensor:
        return 0 * self.temperature

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        return truncate(super().rsample(sample_shape), self.rho)

    def log_prob(self, value: Tensor) -> Tensor:
        log_prob = super().log_prob(value)
        is_whole = num_active(value, self.rho) >= self.event_shape[0] - 1
        return torch.where(is_whole, log_prob, -torch.inf)
