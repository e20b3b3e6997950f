"""The base of one-hot distributions whose samples have a gradient."""

from typing import ClassVar

from pyro.distributions import Categorical, OneHotCategorical, constraints
from torch import Size, Tensor

from pyro_igr._host import one_hot_of
from pyro_igr._numerics.largest import is_at
from pyro_igr.distributions._mean_log_prob import mean_log_prob
from pyro_igr.distributions._parameters import check_value


class OneHotWithGradient(OneHotCategorical):
    """A one-hot distribution whose log-probability is linear, as its samples need."""

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "logits": constraints.real_vector
    }
    has_rsample: bool = True
    value_is_hard: ClassVar[bool] = True

    # As in the host, but also under vmap of grad.
    def sample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        categories = Categorical(logits=self.logits, validate_args=False)
        index = categories.sample(sample_shape)
        return is_at(index, self.event_shape[0]).to(self.logits)

    def log_prob(self, value: Tensor) -> Tensor:
        check_value(value, self.event_shape)
        if self._validate_args:
            self._validate_sample(value)
        return mean_log_prob(value, self)

    def to_discrete(self) -> OneHotCategorical:
        """The same distribution, whose samples have no gradient."""
        return one_hot_of(self.logits, validate_args=self._validate_args)
