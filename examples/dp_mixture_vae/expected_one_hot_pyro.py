"""A one-hot variable that is summed out: its value is its mean."""

from pyro.distributions import OneHotCategorical, constraints
from torch import Size, Tensor


class ExpectedOneHot(OneHotCategorical):
    """The mean of a one-hot variable, as a site that stands for it.

    What comes after such a site is to count in proportion to its value: each category
    by its probability. The log-probability is the mean of that of the one-hot variable,
    so that any ELBO subtracts the exact KL between the categorical laws.

    Shape: ``probs``, ``logits`` and value: ``batch + (K,)``.
    """

    support = constraints.simplex
    has_rsample = True

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        return self.probs.expand(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        return (value * self.logits).sum(-1)
