"""The base of one-hot distributions whose samples have a gradient."""

from typing import ClassVar

from pyro.distributions import OneHotCategorical, constraints
from torch import Tensor

from pyro_igr._host import one_hot_of
from pyro_igr.distributions._mean_log_prob import mean_log_prob
from pyro_igr.distributions._parameters import check_value


class OneHotWithGradient(OneHotCategorical):
    """A one-hot distribution whose log-probability is linear, as its samples need."""

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "logits": constraints.real_vector
    }
    has_rsample: bool = True
    value_is_hard: ClassVar[bool] = True

    def log_prob(self, value: Tensor) -> Tensor:
        check_value(value, self.event_shape)
        if self._validate_args:
            self._validate_sample(value)
        return mean_log_prob(value, self)

    def to_discrete(self) -> OneHotCategorical:
        """The same distribution, whose samples have no gradient."""
        return one_hot_of(self.logits, validate_args=self._validate_args)
