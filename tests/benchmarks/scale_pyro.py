"""What is measured in Pyro for many categories: calls of one thread."""

import numpy as np
import pyro
import torch

import pyro_igr
from tests.benchmarks.speed_pyro import OURS, TAU, discrete_kl

__all__ = ["discrete_kl", "from_probs", "function"]

torch.set_num_threads(1)
pyro.enable_validation(False)


def normal(*shape):
    return torch.tensor(np.random.default_rng(0).normal(size=shape)).float()


def from_probs(family, shape):
    """The Gaussians of given probabilities, and the gradient in these."""
    logits = normal(*shape).requires_grad_()

    def run():
        loc = OURS[family].from_probs(TAU, logits=logits).loc
        return torch.autograd.grad((loc**2).sum(), logits)

    return run


def function(name, shape):
    """The value of a function alone."""
    batch, k = shape
    inputs = normal(batch, k - 1), torch.ones(1)
    if name == "match_probs":
        inputs = (normal(batch, k).exp(),)
    return lambda: getattr(pyro_igr, name)(*inputs)
