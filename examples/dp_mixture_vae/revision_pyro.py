"""Components are judged by held-out images, deleted, merged, and split on trial."""

from collections.abc import Sequence
from functools import partial

import torch
from pyro.distributions import Distribution
from pyro.optim import PyroOptim
from torch import Tensor

from examples.dp_mixture_vae.evidence_pyro import encode, explain, measure
from examples.dp_mixture_vae.judging import Judged, judge
from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.rearranging_pyro import grow_sticks, rearrange
from examples.dp_mixture_vae.splitting import split
from examples.dp_mixture_vae.usage_pyro import draw_usage

MOST_IMAGES, MOST_TO_SPLIT, NUM_DRAWS = 1000, 10_000, 5


@torch.no_grad()
def judge_components(
    networks: Networks,
    optimizer: PyroOptim,
    prior: Distribution,
    images: Tensor,
    held_out: Tensor,
    tried: Sequence[int] = (),
    num_epochs: int = 0,
) -> Judged:
    """Delete and merge components, judged by held-out images; sort the others by size.

    Args:
        networks: Whose sticks are fitted anew; those of deleted components are at the
            prior, as if they had been added.
        optimizer: Whose state follows the components.
        prior: Of the concentration.
        images: To learn from.
        held_out: To judge by.
        tried: The components that a split has added since.
        num_epochs: After which this is.

    Returns:
        The components that are left, and their sticks.
    """
    some = images[torch.randperm(len(images))[:MOST_IMAGES]]
    others = held_out[torch.randperm(len(held_out))[:MOST_IMAGES]]
    usage = draw_usage(networks, prior, some, networks.options.rho, NUM_DRAWS)
    found = judge(
        partial(measure, networks, others),
        networks.all_means().double().numpy(force=True),
        usage.probs.mean((0, 1), "float64") * len(images),
        networks.encode_concentration(prior).mean.item(),
        len(images),
        tried,
        num_epochs,
    )
    networks.means.copy_(torch.from_numpy(found.means[:-1]))
    rearrange(networks, optimizer, found.fit.components, found.fit.sticks)
    return found


@torch.no_grad()
def split_components(
    networks: Networks,
    optimizer: PyroOptim,
    prior: Distribution,
    images: Tensor,
    found: Judged,
) -> list[int]:
    """Split components whose codes or images are of two groups, on trial.

    Args:
        networks: Whose components were judged just now; sticks are added as needed.
        optimizer: Whose state follows the components, to both halves.
        prior: Of the concentration.
        images: To learn from.
        found: The components that are left.

    Returns:
        Those that were added.
    """
    images = images[:MOST_TO_SPLIT]
    usage = draw_usage(networks, prior, images, networks.options.rho, NUM_DRAWS)
    parts = split(
        encode(networks, images, usage.most_probable),
        images.numpy(force=True),
        networks.means[: len(found.fit.components)].double().numpy(force=True),
        found.fit.counts[[*found.fit.components, -1]],
        networks.encode_concentration(prior).mean.item(),
        partial(explain, networks),
    )
    more = len(parts.means) - networks.num_sticks
    if more > 0:
        grow_sticks(networks, optimizer, more)
    rearrange(networks, optimizer, parts.parents, parts.sticks)
    networks.means[: len(parts.means)] = torch.from_numpy(parts.means).to(images)
    networks.scores.weight += torch.from_numpy(parts.weight).to(images)
    networks.scores.bias += torch.from_numpy(parts.bias).to(images)
    return parts.tried
