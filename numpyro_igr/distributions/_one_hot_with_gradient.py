"""The base of one-hot distributions whose samples have a gradient."""

from typing import ClassVar

from jax import Array

from numpyro_igr._host import validate_sample
from numpyro_igr.distributions._mean_log_prob import mean_log_prob
from numpyro_igr.distributions._parameters import check_value
from numpyro_igr.distributions.one_hot import OneHotCategorical


class OneHotWithGradient(OneHotCategorical):
    """A one-hot distribution whose log-probability is linear, as its samples need."""

    has_rsample: bool = True
    value_is_hard: ClassVar[bool] = True

    @validate_sample
    def log_prob(self, value: Array, intermediates: None = None) -> Array:
        check_value(value, self.event_shape)
        return mean_log_prob(value, self)

    def to_discrete(self) -> OneHotCategorical:
        """The same distribution, whose samples have no gradient."""
        return OneHotCategorical(logits=self.logits, validate_args=self._validate_args)
