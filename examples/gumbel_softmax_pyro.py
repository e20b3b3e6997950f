"""The Gumbel-Softmax that IGR is compared with, at its best: in logarithms."""

from pyro.distributions import OneHotCategorical
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Tensor
from torch.distributions import kl_divergence, register_kl
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical


class ExpGumbelSoftmax(ExpRelaxedCategorical, TorchDistributionMixin):
    """The logarithm of a Gumbel-Softmax: its density is finite at any temperature.

    It has no closed-form KL, so that an ELBO estimates the KL by Monte Carlo.
    """

    def to_discrete(self) -> OneHotCategorical:
        """The discrete law that this one relaxes, over one-hot vectors."""
        return OneHotCategorical(logits=self.logits)


class ExpGumbelSoftmaxCategoricalKL(ExpGumbelSoftmax):
    """The same law with the KL of the discrete laws for its own.

    An ELBO with it has relaxed samples in the likelihood only. It is no bound, but
    the usual practice (Jang, Gu and Poole, 2017).
    """


@register_kl(ExpGumbelSoftmaxCategoricalKL, ExpGumbelSoftmaxCategoricalKL)
def _kl_of_discrete_laws(p: ExpGumbelSoftmax, q: ExpGumbelSoftmax) -> Tensor:
    return kl_divergence(p.to_discrete(), q.to_discrete())
