"""The joint values of the one-hot sites of a guide."""

import math

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from pyro_igr._host import sum_rightmost
from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions.recovering import innermost

TOO_MANY = (
    "the one-hot sites {} have {} joint values, more than max_configurations={}: allow "
    "as many, or draw some of them with TraceUnorderedSet_ELBO"
)


def joint_log_probs(site: Message) -> Tensor:
    """Log probabilities of the values of a one-hot site, without its scale and mask.

    Args:
        site: of a trace.
    """
    dist = site["fn"]
    return sum_rightmost(innermost(dist).log_prob(site["value"]), dist.event_dim - 1)


def all_values(
    dists: dict[str, Distribution], plates: tuple[int, ...], most: int
) -> dict[str, Tensor]:
    """Every joint value of one-hot distributions, the same in each of the plates.

    Args:
        dists: by site, with the wrappers of the host.
        plates: dimensions of their batches, counted from the right.
        most: how many joint values there may be.

    Returns:
        Values by site, each like a sample of their number.

    Raises:
        ValueError: if there are more.
    """
    found = {name: _sizes(dist, plates) for name, dist in dists.items()}
    sizes = [size for of_site in found.values() for size in of_site]
    count = math.prod(sizes)
    if count > most:
        names = ", ".join(f"'{name}'" for name in dists)
        raise ValueError(TOO_MANY.format(names, count, most))
    device = {"device": innermost(next(iter(dists.values()))).logits.device}
    every = torch.unravel_index(torch.arange(count, **device), sizes)
    codes = torch.stack(every, -1)
    parts = codes.split([len(s) for s in found.values()], -1)
    return {
        name: from_rows(_in_plates(part, dist, plates), dist, plates)
        for part, (name, dist) in zip(parts, dists.items(), strict=True)
    }


def _sizes(dist: Distribution, plates: tuple[int, ...]) -> list[int]:
    """The number of categories of each variable, in one element of the plates."""
    others = [dist.batch_shape[dim] for dim in order_of(dist, plates)[len(plates) :]]
    *variables, size = dist.event_shape
    return [size] * math.prod((*others, *variables))


def _in_plates(codes: Tensor, dist: Distribution, plates: tuple[int, ...]) -> Tensor:
    """The same codes in all elements of the plates."""
    size = [dist.batch_shape[dim] for dim in order_of(dist, plates)[: len(plates)]]
    shape = len(codes), *[1] * len(plates), codes.shape[-1]
    return codes.reshape(shape).expand(-1, *size, -1)


def from_rows(codes: Tensor, dist: Distribution, plates: tuple[int, ...]) -> Tensor:
    """Values of a one-hot distribution, from the codes of its variables in each plate.

    Args:
        codes: indices of categories, ``(S,) + plates + (variables,)``.
        dist: with the wrappers of the host.
        plates: dimensions of its batch, counted from the right.
    """
    order = order_of(dist, plates)
    sizes = [dist.batch_shape[dim] for dim in order]
    values = one_hot(codes, dist.event_shape[-1]).to(innermost(dist).logits)
    values = values.reshape(len(codes), *sizes, *dist.event_shape)
    events = range(len(order) + 1, values.dim())
    back = [1 + order.index(dim) for dim in range(len(order))]
    return values.permute(0, *back, *events)


def order_of(dist: Distribution, plates: tuple[int, ...]) -> list[int]:
    """Dimensions of the batch of a distribution, those of plates first.

    Args:
        dist: with the wrappers of the host.
        plates: dimensions of its batch, counted from the right.
    """
    size = len(dist.batch_shape)
    kept = [size + dim for dim in plates]
    return kept + [dim for dim in range(size) if dim not in kept]
