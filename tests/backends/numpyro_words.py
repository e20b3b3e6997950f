"""What programs of NumPyro are written in."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro import handlers, infer
from numpyro.contrib import funsor
from x64 import enable_x64

import numpyro_igr as igr

math = jnp
sample, plate, factor = numpyro.sample, numpyro.plate, numpyro.factor
deterministic, detach = numpyro.deterministic, jax.lax.stop_gradient
param, block = numpyro.param, handlers.block
block, condition, reparam = handlers.block, handlers.condition, handlers.reparam
config_enumerate = funsor.config_enumerate
single_precision = partial(enable_x64, False)
GUIDES, TransformReparam = vars(infer.autoguide), infer.reparam.TransformReparam
positive = dist.constraints.positive
GUMBEL, EXPANDED = igr.RelaxedOneHotCategorical, dist.ExpandedDistribution


def array(x):
    return jnp.asarray(np.asarray(x))


def mask(by):
    return handlers.mask(mask=by if isinstance(by, bool) else array(by))


def scale(by):
    return handlers.scale(scale=by if isinstance(by, float) else array(by))


def gumbel(temperature, logits):
    return igr.RelaxedOneHotCategorical(temperature, logits=logits)


def gumbel_straight_through(temperature, logits):
    return igr.RelaxedOneHotCategoricalStraightThrough(temperature, logits=logits)


def exp_gumbel(temperature, logits):
    return igr.ExpRelaxedOneHotCategorical(temperature, logits=logits)


def one_hot(probs=None, logits=None):
    return igr.OneHotCategorical(probs, logits)


def negative_binomial(count, probs):
    return dist.NegativeBinomialProbs(count, probs)


def exp(x):
    return jnp.exp(x)


def log(x):
    return jnp.log(x)


def softmax(x):
    return jax.nn.softmax(x)


def log_softmax(x):
    return jax.nn.log_softmax(x)


def integer(x):
    return x.astype(int)


def normal(loc):
    return dist.Normal(loc, 1.0)


def uniform(low, high):
    return dist.DiscreteUniform(low, high)


def loop(name, size):
    return range(size)
