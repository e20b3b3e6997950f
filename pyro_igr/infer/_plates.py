"""The plates that sites share, which keep the elements of a batch apart."""

from collections.abc import Iterable

from torch import Tensor

from pyro_igr._typed import Message

MIXED = (
    "site '{}' has more dimensions than its plates and that of the samples or joint "
    "values, which are in dimension {} of a batch: count from the right, and keep "
    "dimensions of 1"
)


def common_plates(sites: Iterable[Message]) -> tuple[int, ...]:
    """The dimensions of the plates that all sites lie in, counted from the right.

    Args:
        sites: of a trace, at least one.
    """
    stacks = [
        {(frame.name, frame.dim) for frame in site["cond_indep_stack"] if frame.dim}
        for site in sites
    ]
    return tuple(sorted(dim for _, dim in set.intersection(*stacks)))


def sum_to_plates(x: Tensor, plates: tuple[int, ...]) -> Tensor:
    """Sums over all dimensions but the first and those of plates.

    Args:
        x: of shape ``(S,) + batch``.
        plates: dimensions, counted from the right.
    """
    others = [dim for dim in range(1 - x.dim(), 0) if dim not in plates]
    return x.sum(others) if others else x
