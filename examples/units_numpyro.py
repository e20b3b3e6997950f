"""Relaxed binary units: categorical variables with K = 2, on or off."""

import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro.distributions import Distribution
from prediction import PredictionOptions

from numpyro_igr import IGR, IGRStickBreaking
from numpyro_igr.distributions import ExpRelaxedCategorical

IGR_LAWS = {"igr": IGR, "igr-sb": IGRStickBreaking}


def make_unit(options: PredictionOptions) -> Distribution:
    """A unit that is on half of the time."""
    temperature = jnp.array(options.temperature)
    if options.law == "gumbel-softmax":
        return ExpRelaxedCategorical(temperature, logits=jnp.zeros(2))
    return IGR_LAWS[options.law](temperature, jnp.zeros(1), jnp.ones(1))


def activate(unit: Distribution, activations: Array) -> Distribution:
    """The law of units like this one, which are the likelier on the larger these are.

    The scale of IGR is fixed: nothing but noise keeps the units from being continuous.
    """
    if isinstance(unit, ExpRelaxedCategorical):
        logits = jnp.stack([activations, jnp.zeros_like(activations)], -1)
        return ExpRelaxedCategorical(unit.temperature, logits=logits)
    return type(unit)(unit.temperature, activations[..., None], unit.scale)


def sample_units(name: str, law: Distribution) -> Array:
    """Points of the simplex, (on, off) for each unit, from a site of that name."""
    value = numpyro.sample(name, law.to_event(1))
    return jnp.exp(value) if isinstance(law, ExpRelaxedCategorical) else value
