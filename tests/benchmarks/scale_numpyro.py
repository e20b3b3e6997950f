"""What is measured in NumPyro for many categories: calls that wait for their result."""

import jax
import jax.numpy as jnp
import numpy as np

import numpyro_igr
from tests.benchmarks.speed_numpyro import OURS, TAU, discrete_kl, waits

__all__ = ["discrete_kl", "from_probs", "function"]


def normal(*shape):
    return jnp.array(np.random.default_rng(0).normal(size=shape), jnp.float32)


def from_probs(family, shape):
    """The Gaussians of given probabilities, and the gradient in these."""
    logits = normal(*shape)

    def run(logits):
        return (OURS[family].from_probs(TAU, logits=logits).loc ** 2).sum()

    return waits(jax.grad(run), logits)


def function(name, shape):
    """The value of a function alone."""
    batch, k = shape
    inputs = normal(batch, k - 1), jnp.ones(1)
    if name == "match_probs":
        inputs = (jnp.exp(normal(batch, k)),)
    return waits(getattr(numpyro_igr, name), *inputs)
