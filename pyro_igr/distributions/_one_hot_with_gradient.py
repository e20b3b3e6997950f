"""The base of one-hot distributions whose samples have a gradient."""

from typing import ClassVar

from pyro.distributions import OneHotCategorical
from torch import Tensor

from pyro_igr.distributions._mean_log_prob import mean_log_prob


class OneHotWithGradient(OneHotCategorical):
    """A one-hot distribution whose log-probability is linear, as its samples need."""

    has_rsample: bool = True
    value_is_hard: ClassVar[bool] = True

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return mean_log_prob(value, self)

    def to_discrete(self) -> OneHotCategorical:
        """The same distribution, whose samples have no gradient."""
        return OneHotCategorical(logits=self.logits, validate_args=self._validate_args)
