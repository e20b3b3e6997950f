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

IGR_LAWS = {"igr": IGR, "igr-sb": IGRStickBreaking}


def make_unit(options: PredictionOptions, device: torch.device) -> Distribution:
    """A unit that is on half of the time."""
    temperature = torch.tensor(options.temperature, device=device)
    zeros = torch.zeros(2, device=device)
    if options.law == "gumbel-softmax":
        return ExpRelaxedOneHotCategorical(temperature, logits=zeros)
    gaussian = zeros[:1], zeros[:1] + 1
    if options.law == "igr-planar":
        return IGRFlow(temperature, *gaussian, [])
    return IGR_LAWS[options.law](temperature, *gaussian)


def activate(unit: Distribution, activations: Tensor, planar: Tensor) -> Distribution:
    """The law of units like this one, which are the likelier on the larger these are.

    The scale of IGR is fixed: nothing but noise keeps the units from being continuous.

    Args:
        unit: A unit of the same family.
        activations: The means, or the log odds, of the units.
        planar: The rows u, w and bias of planar layers, for IGR-Planar.
    """
    if isinstance(unit, ExpRelaxedOneHotCategorical):
        logits = torch.stack([activations, torch.zeros_like(activations)], -1)
        return ExpRelaxedOneHotCategorical(unit.temperature, logits=logits)
    law = unit.temperature, activations[..., None], unit.scale
    if isinstance(unit, IGRFlow):
        flow = [PlanarTransform(u[None], w[None], bias) for u, w, bias in planar]
        return IGRFlow(*law, flow)
    return type(unit)(*law)


def sample_units(name: str, law: Distribution) -> Tensor:
    """Points of the simplex, (on, off) for each unit, from a site of that name."""
    value = pyro.sample(name, law.to_event(1))
    return value.exp() if isinstance(law, ExpRelaxedOneHotCategorical) else value
