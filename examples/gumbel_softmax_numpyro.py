"""The Gumbel-Softmax that IGR is compared with, at its best: in logarithms."""

from jax import Array
from numpyro.distributions.kl import kl_divergence

from numpyro_igr.distributions.relaxed_one_hot import ExpRelaxedCategorical


class ExpGumbelSoftmax(ExpRelaxedCategorical):
    """The logarithm of a Gumbel-Softmax: its density is finite at any temperature.

    It has no closed-form KL, so that an ELBO estimates the KL by Monte Carlo.
    """


class ExpGumbelSoftmaxCategoricalKL(ExpGumbelSoftmax):
    """The same law with the KL of the discrete laws for its own.

    An ELBO with it has relaxed samples in the likelihood only. It is no bound, but
    the usual practice (Jang, Gu and Poole, 2017).
    """


@kl_divergence.register(ExpGumbelSoftmaxCategoricalKL, ExpGumbelSoftmaxCategoricalKL)
def _kl_of_discrete_laws(p: ExpGumbelSoftmax, q: ExpGumbelSoftmax) -> Array:
    return kl_divergence(p.to_discrete(), q.to_discrete())
