"""The base of one-hot distributions whose samples have a gradient."""

from typing import ClassVar

from jax import Array

from numpyro_igr._host import validate_sample
from numpyro_igr._typed import Constraint
from numpyro_igr.distributions._mean_log_prob import mean_log_prob
from numpyro_igr.distributions._one_hot_vectors import OneHot
from numpyro_igr.distributions._parameters import check_value
from numpyro_igr.distributions.one_hot import OneHotCategorical


class _OneHotWithGradient(OneHot):
    is_discrete = False  # else SVI of the host takes a site for one without a gradient


class OneHotWithGradient(OneHotCategorical):
    """A one-hot distribution whose log-probability is linear, as its samples need."""

    support: Constraint = _OneHotWithGradient()
    has_rsample: bool = True
    value_is_hard: ClassVar[bool] = True

    @validate_sample
    def log_prob(self, value: Array, intermediates: None = None) -> Array:
        check_value(value, self.event_shape)
        return mean_log_prob(value, self)

    def to_discrete(self) -> OneHotCategorical:
        """The same distribution, whose samples have no gradient."""
        return OneHotCategorical(logits=self.logits, validate_args=self._validate_args)
