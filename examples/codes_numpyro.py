"""The laws of discrete codes, by the options that choose them."""

from functools import partial

import jax
import jax.numpy as jnp
import numpyro
from gumbel_softmax_numpyro import ExpGumbelSoftmax, ExpGumbelSoftmaxCategoricalKL
from jax import Array
from numpyro.distributions import Distribution
from options import Options

from numpyro_igr import IGR, IGRStickBreaking, OneHotCategorical

LAWS = {
    ("igr", "relaxed"): IGR,
    ("igr-sb", "relaxed"): IGRStickBreaking,
    ("gumbel-softmax", "relaxed"): ExpGumbelSoftmax,
    ("gumbel-softmax", "categorical"): ExpGumbelSoftmaxCategoricalKL,
}


def make_prior(options: Options) -> Distribution:
    """The relaxed law that is uniform over the categories of each variable."""
    law = LAWS[options.law, options.kl]
    temperature = jnp.array(options.temperature)
    logits = jnp.zeros((options.num_variables, options.num_categories))
    if issubclass(law, ExpGumbelSoftmax):
        return law(temperature, logits=logits)
    return _from_logits(law, temperature, logits)


@partial(jax.jit, static_argnames="law")
def _from_logits(
    law: type[Distribution], temperature: Array, logits: Array
) -> Distribution:
    return law.from_probs(temperature, logits=logits)


def make_posterior(prior: Distribution, parameters: Array) -> Distribution:
    """The law of the prior's family that has these parameters."""
    if isinstance(prior, OneHotCategorical):
        return OneHotCategorical(logits=parameters)
    if isinstance(prior, ExpGumbelSoftmax):
        return type(prior)(prior.temperature, logits=parameters)
    loc, log_scale = jnp.split(parameters, 2, -1)
    return type(prior)(prior.temperature, loc, jnp.exp(log_scale))


def make_discrete(prior: Distribution) -> Distribution:
    """The prior for a discretized model, where the sites of IGR are one-hot."""
    return prior.to_discrete() if isinstance(prior, ExpGumbelSoftmax) else prior


def sample_code(law: Distribution) -> Array:
    """A code from the site "code", whose value may be the logarithm of it."""
    value = numpyro.sample("code", law.to_event(1))
    return jnp.exp(value) if isinstance(law, ExpGumbelSoftmax) else value
