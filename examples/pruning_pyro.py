"""Pruning while a mixture trains: components that it does without are deleted."""

import torch
from mixture_networks_pyro import Networks
from mixture_options import MixtureOptions
from mixture_sticks import AXES_OF_STICKS
from mixture_usage_pyro import draw_usage
from pruning import MOST_IMAGES, NUM_DRAWS, NUM_SAMPLES, Terms, prune
from pyro.distributions import Bernoulli, Distribution, Normal
from pyro.optim import PyroOptim
from torch import Tensor
from torch.distributions import kl_divergence


@torch.no_grad()
def prune_components(
    options: MixtureOptions,
    networks: Networks,
    optimizer: PyroOptim,
    prior: Distribution,
    images: Tensor,
) -> None:
    """Delete components, judged by some of the images, and sort the others by size.

    Args:
        options: The concentration that parameters of zero mean, among others.
        networks: Whose sticks are fitted anew; those of deleted components are at the
            prior, as if they had been added.
        optimizer: Whose state follows the components.
        prior: The law of the concentration.
        images: To learn from.
    """
    some = images[torch.randperm(len(images))[:MOST_IMAGES]]
    usage = draw_usage(networks, prior, some, options.rho, NUM_DRAWS)
    counts = usage.probs.mean((0, 1)) * len(images)
    concentration = networks.encode_concentration(prior).mean.item()
    found = prune(measure(networks, some), counts, concentration, len(images))
    kept = torch.from_numpy(found.components).to(images.device)
    for name, axis in AXES_OF_STICKS.items():
        rearrange(getattr(networks, name), optimizer, kept, axis)
    breaks = found.breaks(networks.num_sticks, options.concentration)
    networks.breaks.copy_(torch.from_numpy(breaks))


def measure(networks: Networks, images: Tensor) -> Terms:
    """What the images say of each component, whose codes share their noise."""
    features, means = networks.features(images), networks.all_means()
    law = networks.encode_code(features, means.unsqueeze(-2))
    noise = torch.randn(NUM_SAMPLES, 1, *law.mean.shape[1:], device=images.device)
    pixels = Bernoulli(logits=networks.decode(law.mean + law.stddev * noise))
    log_likelihood = pixels.log_prob(images).sum(-1).mean(0)
    prior = Normal(means.unsqueeze(-2), 1.0).to_event(1)
    fits = (log_likelihood - kl_divergence(law, prior)).T
    scores = networks.encode_component(features, torch.ones_like(means[:, 0]))
    return Terms(*(x.double().numpy(force=True) for x in (fits, scores)))


def rearrange(parameter: Tensor, optimizer: PyroOptim, kept: Tensor, axis: int) -> None:
    """Puts what is kept of a parameter and its moments first, zeros after it."""
    state = optimizer.optim_objs[parameter].state[parameter]
    for x in (parameter, *state.values()):
        if x.shape == parameter.shape:
            entries = x.index_select(axis, kept)
            x.zero_().narrow(axis, 0, len(kept)).copy_(entries)
