"""The Gumbel-Softmax that IGR is compared with, at its best: in logarithms."""

from pyro.distributions import OneHotCategorical
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch.distributions import relaxed_categorical


class ExpRelaxedCategorical(
    relaxed_categorical.ExpRelaxedCategorical, TorchDistributionMixin
):
    """The logarithm of a Gumbel-Softmax: its density is finite at any temperature."""

    def to_discrete(self) -> OneHotCategorical:
        """The discrete law that this one relaxes, over one-hot vectors."""
        return OneHotCategorical(logits=self.logits)
