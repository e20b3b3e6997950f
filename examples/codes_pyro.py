"""The laws of discrete codes, by the options that choose them."""

import pyro
import torch
from gumbel_softmax_pyro import ExpGumbelSoftmax, ExpGumbelSoftmaxCategoricalKL
from options import Options
from pyro.distributions import Distribution, OneHotCategorical
from torch import Tensor

from pyro_igr import IGR, IGRStickBreaking

LAWS = {
    ("igr", "relaxed"): IGR,
    ("igr-sb", "relaxed"): IGRStickBreaking,
    ("gumbel-softmax", "relaxed"): ExpGumbelSoftmax,
    ("gumbel-softmax", "categorical"): ExpGumbelSoftmaxCategoricalKL,
}


def make_prior(options: Options, device: torch.device) -> Distribution:
    """The relaxed law that is uniform over the categories of each variable."""
    law = LAWS[options.law, options.kl]
    temperature = torch.tensor(options.temperature, device=device)
    logits = torch.zeros(options.num_variables, options.num_categories, device=device)
    if issubclass(law, ExpGumbelSoftmax):
        return law(temperature, logits=logits)
    return law.from_probs(temperature, logits=logits)


def make_posterior(prior: Distribution, parameters: Tensor) -> Distribution:
    """The law of the prior's family that has these parameters."""
    if isinstance(prior, OneHotCategorical):
        return OneHotCategorical(logits=parameters)
    if isinstance(prior, ExpGumbelSoftmax):
        return type(prior)(prior.temperature, logits=parameters)
    loc, log_scale = parameters.chunk(2, -1)
    return type(prior)(prior.temperature, loc, log_scale.exp())


def make_discrete(prior: Distribution) -> Distribution:
    """The prior for a discretized model, where the sites of IGR are one-hot."""
    return prior.to_discrete() if isinstance(prior, ExpGumbelSoftmax) else prior


def sample_code(law: Distribution) -> Tensor:
    """A code from the site "code", whose value may be the logarithm of it."""
    value = pyro.sample("code", law.to_event(1))
    return value.exp() if isinstance(law, ExpGumbelSoftmax) else value
