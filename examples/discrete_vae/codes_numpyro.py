"""The laws of discrete codes, by the options that choose them."""

from functools import partial

import jax
import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro.distributions import Distribution

from examples.discrete_vae.options import Options
from numpyro_igr import (
    IGR,
    ExpRelaxedOneHotCategorical,
    IGRStickBreaking,
    OneHotCategorical,
)

IGR_LAWS = {"igr": IGR, "igr-sb": IGRStickBreaking}


def make_prior(options: Options) -> Distribution:
    """The relaxed law that is uniform over the categories of each variable."""
    temperature = jnp.array(options.temperature)
    logits = jnp.zeros((options.num_variables, options.num_categories))
    if options.law == "gumbel-softmax":
        return ExpRelaxedOneHotCategorical(temperature, logits=logits)
    return _from_logits(IGR_LAWS[options.law], temperature, logits)


@partial(jax.jit, static_argnames="law")
def _from_logits(
    law: type[Distribution], temperature: Array, logits: Array
) -> Distribution:
    return law.from_probs(temperature, logits=logits)


def make_posterior(prior: Distribution, parameters: Array) -> Distribution:
    """The law of the prior's family that has these parameters.

    The Gaussians of IGR have scale 1 unless there are parameters for it.
    """
    if isinstance(prior, OneHotCategorical):
        return OneHotCategorical(logits=parameters)
    if isinstance(prior, ExpRelaxedOneHotCategorical):
        return ExpRelaxedOneHotCategorical(prior.temperature, logits=parameters)
    loc, log_scale = jnp.split(parameters, [prior.event_shape[0] - 1], -1)
    scale = jnp.exp(log_scale) if log_scale.size else jnp.ones_like(loc)
    return type(prior)(prior.temperature, loc, scale)


def make_discrete(prior: Distribution) -> Distribution:
    """The prior for a discretized model, where the sites of IGR are one-hot."""
    is_relaxed = isinstance(prior, ExpRelaxedOneHotCategorical)
    return prior.to_discrete() if is_relaxed else prior


def sample_code(law: Distribution) -> Array:
    """A code from the site "code", whose value may be the logarithm of it."""
    value = numpyro.sample("code", law.to_event(1))
    return jnp.exp(value) if isinstance(law, ExpRelaxedOneHotCategorical) else value
