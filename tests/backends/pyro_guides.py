"""What is learned by automatic guides of Pyro, and what they report."""

import numpy as np
import pyro
import torch
from pyro import infer
from pyro.infer.autoguide import AutoDelta, AutoNormal

__all__ = ["AutoDelta", "AutoNormal"]


def _means(guide):
    found = {n: x for n, x in guide.named_parameters() if ".locs." in n}
    cut = "_unconstrained"
    return {n.split(".locs.")[1].removesuffix(cut): x for n, x in found.items()}


def locations(guide):
    """Where the means of a guide start, by site."""
    guide()
    return {name: x.detach().clone().numpy() for name, x in _means(guide).items()}


def placed(guide, locations):
    """The guide with these means."""
    means = _means(guide)
    for name, x in locations.items():
        means[name].data = torch.as_tensor(x)
    return guide


def filled(guide, value):
    """The guide, all of whose parameters have this value."""
    guide()
    for parameter in guide.parameters():
        torch.nn.init.constant_(parameter, value)
    return guide


def moved_losses(engine, model, guide, shifts, count):
    """Losses of runs with all parameters shifted by each number: one row each."""
    guide()
    start = [x.detach().clone() for x in guide.parameters()]

    def losses(shift):
        for parameter, x in zip(guide.parameters(), start, strict=True):
            parameter.data = x + shift
        return [engine.loss(model, guide) for _ in range(count)]

    return np.array([losses(shift) for shift in shifts])


def names(guide):
    """What is learned."""
    return {name for name, _ in guide.named_parameters()}


def names_of_means(*sites):
    return {f"0.locs.{name}_unconstrained" for name in sites}


def median(guide, at=None):
    """What a guide reports, with parameters that were trained or as they start."""
    if at is None:
        pyro.clear_param_store()
        guide()
    return {name: x.detach() for name, x in guide.median().items()}


def spread(guide, name):
    """The standard deviation at a site, where it starts."""
    (found,) = (getattr(p.scales, name) for p in guide if hasattr(p.scales, name))
    return found.detach()


def quantiles(guide, q, at=None):
    """What a guide reports, with parameters that were trained or as they start."""
    if at is None:
        guide()
    return {name: x.detach() for name, x in guide.quantiles(q).items()}


def posterior(guide, count):
    """Draws from the guide, by name."""
    draws = [guide() for _ in range(count)]
    return {name: torch.stack([d[name] for d in draws]) for name in draws[0]}


def subsampled(shape):
    """The shape of draws in a plate of which a model sees a half."""
    return (shape[0] // 2, *shape[1:])


def predict(model, guide, count):
    """Draws of latent variables and data."""
    return infer.Predictive(model, guide=guide, num_samples=count)()
