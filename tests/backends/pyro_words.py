"""What programs of Pyro are written in."""

from contextlib import nullcontext

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro import infer, poutine
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical

math = torch
sample, plate, factor = pyro.sample, pyro.plate, pyro.factor
deterministic, detach = pyro.deterministic, torch.Tensor.detach
param, block = pyro.param, poutine.block
block, condition, reparam = poutine.block, poutine.condition, poutine.reparam
config_enumerate, loop = infer.config_enumerate, pyro.plate
single_precision = nullcontext
GUIDES, TransformReparam = vars(infer.autoguide), infer.reparam.TransformReparam
positive = dist.constraints.positive
GUMBEL, EXPANDED = dist.RelaxedOneHotCategorical, dist.ExpandedDistribution


def array(x):
    return torch.tensor(np.asarray(x))


def mask(by):
    return poutine.mask(mask=by if isinstance(by, bool) else array(by))


def scale(by):
    return poutine.scale(scale=by if isinstance(by, float) else array(by))


def gumbel(temperature, logits):
    return dist.RelaxedOneHotCategorical(temperature, logits=logits)


def gumbel_straight_through(temperature, logits):
    return dist.RelaxedOneHotCategoricalStraightThrough(temperature, logits=logits)


class ExpGumbel(ExpRelaxedCategorical, TorchDistributionMixin):
    """The host's mixin makes it callable."""


def exp_gumbel(temperature, logits):
    return ExpGumbel(temperature, logits=logits)


def one_hot(probs=None, logits=None):
    return dist.OneHotCategorical(probs, logits)


def negative_binomial(count, probs):
    return dist.NegativeBinomial(count, probs)


def exp(x):
    return x.exp()


def log(x):
    return x.log()


def softmax(x):
    return x.softmax(-1)


def log_softmax(x):
    return x.log_softmax(-1)


def integer(x):
    return x.long()


def normal(loc):
    return dist.Normal(loc, torch.ones_like(loc))


def uniform(low, high):
    """Equal weights of integers; Pyro has no family for those from elsewhere than 0."""
    return dist.Categorical(torch.ones(high - low + 1))
