"""Relaxed binary units: categorical variables with K = 2, on or off."""

import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro.distributions import Distribution

from examples.structured_prediction.prediction import PredictionOptions
from numpyro_igr import (
    IGR,
    ExpRelaxedOneHotCategorical,
    IGRFlow,
    IGRStickBreaking,
    PlanarTransform,
)

IGR_FAMILIES = {"igr": IGR, "igr-sb": IGRStickBreaking}


def make_unit(options: PredictionOptions) -> Distribution:
    """A unit that is on half of the time."""
    temperature = jnp.array(options.temperature)
    if options.family == "gumbel-softmax":
        return ExpRelaxedOneHotCategorical(temperature, logits=jnp.zeros(2))
    gaussian = jnp.zeros(1), jnp.ones(1)
    if options.family == "igr-planar":
        return IGRFlow(temperature, *gaussian, [])
    return IGR_FAMILIES[options.family](temperature, *gaussian)


def activate(unit: Distribution, activations: Array, planar: Array) -> Distribution:
    """Units like this one, which are the likelier on the larger these are.

    The scale of IGR is fixed: nothing but noise keeps the units from being continuous.

    Args:
        unit: A unit of the same family.
        activations: The means, or the log odds, of the units.
        planar: The rows u, w and bias of planar layers, for IGR-Planar.
    """
    if isinstance(unit, ExpRelaxedOneHotCategorical):
        logits = jnp.stack([activations, jnp.zeros_like(activations)], -1)
        return ExpRelaxedOneHotCategorical(unit.temperature, logits=logits)
    of_igr = unit.temperature, activations[..., None], unit.scale
    if isinstance(unit, IGRFlow):
        flow = [PlanarTransform(u[None], w[None], bias) for u, w, bias in planar]
        return IGRFlow(*of_igr, flow)
    return type(unit)(*of_igr)


def sample_units(name: str, units: Distribution) -> Array:
    """Points of the simplex, (on, off) for each unit, from a site of that name."""
    value = numpyro.sample(name, units.to_event(1))
    return jnp.exp(value) if isinstance(units, ExpRelaxedOneHotCategorical) else value
