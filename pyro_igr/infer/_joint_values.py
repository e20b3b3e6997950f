"""The joint values of the one-hot sites of a guide."""

import math

import torch
from pyro.distributions import Distribution
from torch import Tensor
from torch.nn.functional import one_hot

from pyro_igr._host import sum_rightmost
from pyro_igr.distributions.recovering import innermost

TOO_MANY = (
    "the one-hot sites {} have {} joint values, more than max_configurations={}: allow "
    "as many, or draw some of them with TraceUnorderedSet_ELBO"
)


def joint_log_probs(site: dict) -> Tensor:
    """Log probabilities of the values of a one-hot site, without its scale and mask.

    Args:
        site: of a trace.
    """
    law = site["fn"]
    return sum_rightmost(innermost(law).log_prob(site["value"]), law.event_dim - 1)


def all_values(
    laws: dict[str, Distribution], plates: tuple[int, ...], most: int
) -> dict[str, Tensor]:
    """Every joint value of one-hot laws, the same in each element of the plates.

    Args:
        laws: by site, with the wrappers of the host.
        plates: dimensions of their batches, counted from the right.
        most: how many joint values there may be.

    Returns:
        Values by site, each like a sample of their number.

    Raises:
        ValueError: if there are more.
    """
    found = {name: _sizes(law, plates) for name, law in laws.items()}
    sizes = [size for of_site in found.values() for size in of_site]
    count = math.prod(sizes)
    if count > most:
        names = ", ".join(f"'{name}'" for name in laws)
        raise ValueError(TOO_MANY.format(names, count, most))
    codes = torch.stack(torch.unravel_index(torch.arange(count), sizes), -1)
    parts = codes.split([len(s) for s in found.values()], -1)
    return {
        name: from_rows(_in_plates(part, law, plates), law, plates)
        for part, (name, law) in zip(parts, laws.items(), strict=True)
    }


def _sizes(law: Distribution, plates: tuple[int, ...]) -> list[int]:
    """The number of categories of each variable, in one element of the plates."""
    others = [law.batch_shape[dim] for dim in order_of(law, plates)[len(plates) :]]
    *variables, size = law.event_shape
    return [size] * math.prod((*others, *variables))


def _in_plates(codes: Tensor, law: Distribution, plates: tuple[int, ...]) -> Tensor:
    """The same codes in all elements of the plates."""
    size = [law.batch_shape[dim] for dim in order_of(law, plates)[: len(plates)]]
    shape = len(codes), *[1] * len(plates), codes.shape[-1]
    return codes.reshape(shape).expand(-1, *size, -1)


def from_rows(codes: Tensor, law: Distribution, plates: tuple[int, ...]) -> Tensor:
    """Values of a one-hot law, from the codes of its variables in each plate.

    Args:
        codes: indices of categories, ``(S,) + plates + (variables,)``.
        law: with the wrappers of the host.
        plates: dimensions of its batch, counted from the right.
    """
    order = order_of(law, plates)
    sizes = [law.batch_shape[dim] for dim in order]
    values = one_hot(codes, law.event_shape[-1]).to(innermost(law).logits)
    values = values.reshape(len(codes), *sizes, *law.event_shape)
    events = range(len(order) + 1, values.dim())
    back = [1 + order.index(dim) for dim in range(len(order))]
    return values.permute(0, *back, *events)


def order_of(law: Distribution, plates: tuple[int, ...]) -> list[int]:
    """Dimensions of the batch of a law, those of plates first.

    Args:
        law: with the wrappers of the host.
        plates: dimensions of its batch, counted from the right.
    """
    size = len(law.batch_shape)
    kept = [size + dim for dim in plates]
    return kept + [dim for dim in range(size) if dim not in kept]
