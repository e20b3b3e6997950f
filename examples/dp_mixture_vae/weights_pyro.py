"""The sticks of a Dirichlet process, in model and guide, and their weights."""

import pyro
import torch
from pyro.distributions import Beta, Distribution
from torch import Tensor

from examples.dp_mixture_vae.sticks import nearest_gaussian
from pyro_igr import GEM, InfiniteIGR, Kumaraswamy

TINY = torch.finfo(torch.float32).tiny


def make_prior(family: str, concentration: Tensor, num_sticks: int) -> Distribution:
    """The stick-breaking prior of a Dirichlet process."""
    if family == "igr-sb":
        return GEM(concentration, num_sticks)
    sticks = concentration.new_ones(num_sticks)
    return Beta(sticks, concentration * sticks).to_event(1)


def make_posterior(
    family: str, parameters: Tensor, concentration: Tensor, start: float
) -> Distribution:
    """The distribution of sticks with these parameters, the prior at zero.

    Args:
        family: "igr-sb" or "dldpmm".
        parameters: With shape `batch + (2, num_sticks)`.
        concentration: Of the prior.
        start: The concentration that zero parameters mean.
    """
    first, second = parameters.unbind(-2)
    if family == "igr-sb":
        loc, scale, _ = nearest_gaussian(start)
        tail = GEM(concentration, 1)
        return InfiniteIGR(None, loc + first, scale * second.exp(), 1.0, tail=tail)
    return Kumaraswamy(first.exp(), start * second.exp()).to_event(1)


def sample_weights(sticks: Distribution) -> Tensor:
    """Weights from the site "sticks", whose value may be the sticks themselves."""
    return to_weights(sticks, pyro.sample("sticks", sticks))


def to_weights(sticks: Distribution, value: Tensor) -> Tensor:
    """The weights that a value of the sticks stands for, none of them zero."""
    if isinstance(sticks, GEM | InfiniteIGR):
        return value.clamp(min=TINY)
    log_left = torch.log1p(-value.clamp(max=1 - 1e-6)).cumsum(-1)
    none = torch.zeros_like(log_left[..., :1])
    left = torch.cat([none, log_left], -1).exp()
    used = torch.cat([value, torch.ones_like(none)], -1)
    return (left * used).clamp(min=TINY)
