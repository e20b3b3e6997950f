"""What a run has done to its components, epoch by epoch."""

import warnings
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from examples.dp_mixture_vae.judging import KINDS, Judged, Move
from examples.dp_mixture_vae.usage import Usage


class Growth(NamedTuple):
    """The number of components after an epoch, from a draw of the guide.

    Args:
        capacity: That the parameters are for, without the rest.
        needed: That make up most of the weights, on average.
        used: That validation images most probably belong to.
        overflow: The rate of draws that need more than the capacity.
    """

    capacity: int
    needed: float
    used: int
    overflow: float

    @classmethod
    def from_usage(cls, usage: Usage, num_sticks: int, family: str) -> "Growth":
        """That of some images.

        Args:
            usage: What the guide says of them.
            num_sticks: The sticks that the parameters are for.
            family: "igr-sb", or "dldpmm", whose components are all that there are.
        """
        counts = float(usage.needed.mean()), len(usage.used)
        if family == "dldpmm":
            return cls(num_sticks + 1, *counts, 0.0)
        return cls(num_sticks, *counts, float((usage.needed > num_sticks).mean()))


@dataclass
class Record:
    """What a run has done to its components.

    Args:
        growth: The number of components after each epoch.
        moves: Those that the bound of held-out images asked for.
        judged: How many components were left, each time that they were judged.
        tried: Those that the last splits have added.
    """

    growth: list[Growth] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    judged: list[int] = field(default_factory=list)
    tried: list[int] = field(default_factory=list)

    def add(self, found: Judged) -> None:
        """Notes what is left of the components."""
        self.moves.extend(found.moves)
        self.judged.append(len(found.fit.components))
        self.tried.clear()

    @property
    def is_settled(self) -> bool:
        """Whether four rounds of splits, one after the other, have added nothing."""
        last = self.judged[-5:]
        return len(last) == 5 and all(a >= b for a, b in pairwise(last))

    @property
    def is_growing(self) -> bool:
        """Whether the last revision left more components than the one before."""
        return len(self.judged) > 1 and self.judged[-1] > self.judged[-2]

    def summary(self) -> str:
        """How many there were, and the moves, in words."""
        names = [KINDS[each.kind] for each in self.moves]
        counts = ", ".join(f"{names.count(kind)} {kind}s" for kind in KINDS)
        found = ", ".join(map(str, self.judged))
        return f"{found} ({counts})" if found else "never revised"

    def warn_if_growing(self) -> None:
        """Warns that the number of components is no answer yet."""
        if self.is_growing:
            before, after = self.judged[-2:]
            warnings.warn(
                f"the last revision left {after} components, the one before {before}: "
                "their number still grows; train with more --num-epochs, or revise "
                "from an earlier epoch, or more often",
                stacklevel=2,
            )

    def to_lists(self) -> list[list[Any]]:
        """The same in plain lists of numbers."""
        rows = [list(map(list, each)) for each in (self.growth, self.moves)]
        return [*rows, self.judged, self.tried]

    @classmethod
    def from_lists(
        cls, growth: list[Any], moves: list[Any], judged: list[int], tried: list[int]
    ) -> "Record":
        """What was written as lists."""
        rows = [Growth(int(c), n, int(u), o) for c, n, u, o in growth]
        return cls(
            rows, [Move(int(e), int(k), *b) for e, k, *b in moves], judged, tried
        )
