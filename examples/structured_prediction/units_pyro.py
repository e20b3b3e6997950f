"""Relaxed binary units: categorical variables with K = 2, on or off."""

import pyro
import torch
from pyro.distributions import Distribution
from torch import Tensor

from examples.structured_prediction.prediction import PredictionOptions
from pyro_igr import (
    IGR,
    ExpRelaxedOneHotCategorical,
    IGRFlow,
    IGRStickBreaking,
    PlanarTransform,
)

IGR_FAMILIES = {"igr": IGR, "igr-sb": IGRStickBreaking}


def make_unit(options: PredictionOptions, device: torch.device) -> Distribution:
    """A unit that is on half of the time."""
    temperature = torch.tensor(options.temperature, device=device)
    zeros = torch.zeros(2, device=device)
    if options.family == "gumbel-softmax":
        return ExpRelaxedOneHotCategorical(temperature, logits=zeros)
    gaussian = zeros[:1], zeros[:1] + 1
    if options.family == "igr-planar":
        return IGRFlow(temperature, *gaussian, [])
    return IGR_FAMILIES[options.family](temperature, *gaussian)


def activate(unit: Distribution, activations: Tensor, planar: Tensor) -> Distribution:
    """Units like this one, which are the likelier on the larger these are.

    The scale of IGR is fixed: nothing but noise keeps the units from being continuous.

    Args:
        unit: A unit of the same family.
        activations: The means, or the log odds, of the units.
        planar: The rows u, w and bias of planar layers, for IGR-Planar.
    """
    if isinstance(unit, ExpRelaxedOneHotCategorical):
        logits = torch.stack([activations, torch.zeros_like(activations)], -1)
        return ExpRelaxedOneHotCategorical(unit.temperature, logits=logits)
    of_igr = unit.temperature, activations[..., None], unit.scale
    if isinstance(unit, IGRFlow):
        flow = [PlanarTransform(u[None], w[None], bias) for u, w, bias in planar]
        return IGRFlow(*of_igr, flow)
    return type(unit)(*of_igr)


def sample_units(name: str, units: Distribution) -> Tensor:
    """Points of the simplex, (on, off) for each unit, from a site of that name."""
    value = pyro.sample(name, units.to_event(1))
    return value.exp() if isinstance(units, ExpRelaxedOneHotCategorical) else value
