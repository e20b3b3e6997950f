"""Methods to approximate a distribution, and their results."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from examples.approximate.targets import NUM_VALUES, Target, widen

LABELS = {"igr": "IGR", "igr-sb": "IGR-SB", "gumbel-softmax": "Gumbel-Softmax"}
LARGEST_REST = 1e-3


class Method(NamedTuple):
    """A relaxed family, and how its parameters are found.

    Args:
        family: Its name.
        num_categories: Their number, the first one if it grows.
        trained: By gradients through samples; otherwise matched exactly.
        grows: Whether it is to take the categories that it needs, the last of them
            standing for all beyond.
    """

    family: str
    num_categories: int
    trained: bool
    grows: bool = False

    @property
    def label(self) -> str:
        """The family and how its member is found."""
        return f"{LABELS[self.family]}, {'trained' if self.trained else 'matched'}"

    @property
    def num_parameters(self) -> int:
        """Those to train: logits, or means of the Gaussians."""
        return self.num_categories - (self.family != "gumbel-softmax")

    def needs_more_sticks(self, probs: NDArray[np.floating]) -> bool:
        """Whether too much of what is recovered is beyond its sticks."""
        overflows = self.grows and probs[..., -1].max() > LARGEST_REST
        return bool(overflows) and 2 * self.num_categories < NUM_VALUES

    def doubled(self) -> "Method":
        """The same with as many sticks again."""
        return self._replace(num_categories=2 * self.num_categories - 1)


def methods_for(target: Target, sizes: Sequence[int]) -> list[Method]:
    """The ways to approximate a target.

    Args:
        target: The target.
        sizes: Numbers of categories to try; no more of them than it has values.
    """
    countable = target.support is None
    sizes = sorted({min(size, target.support or size) for size in sizes})
    sticks = sizes[0] + 1 if countable else target.support
    return [
        Method("igr", sizes[-1], trained=False),
        Method("igr-sb", sticks, trained=False, grows=countable),
        Method("igr", sizes[-1], trained=True),
        Method("igr-sb", sticks, trained=True, grows=countable),
        *(Method("gumbel-softmax", size, trained=True) for size in sizes),
    ]


class Approximation(NamedTuple):
    """What the runs of a method found.

    Args:
        method: The method.
        learning_rate: The first step size; `None` if there was nothing to train.
        num_categories: Their number in the end, of the run that took most.
        probs: Recovered ones, with shape `(num_runs, NUM_VALUES)`.
        history: Total variations, with shape `(num_runs, num_periods)`.
        elbos: Of what is recovered as a guide, in nats, one a run.
    """

    method: Method
    learning_rate: float | None
    num_categories: int
    probs: NDArray[np.floating]
    history: NDArray[np.floating]
    elbos: NDArray[np.floating]

    @classmethod
    def of(
        cls,
        target: Target,
        method: Method,
        runs: Sequence[Sequence[NDArray[np.floating]]],
        learning_rate: float | None = None,
    ) -> "Approximation":
        """The summary of some runs.

        Args:
            target: What was approximated.
            method: How.
            runs: The probabilities of the categories after each period of each run.
            learning_rate: The first step size.
        """
        wide = np.array(
            [[widen(probs, breaks_last=method.grows) for probs in run] for run in runs]
        )
        num_categories = max(len(run[-1]) for run in runs)
        history, last = target.total_variation(wide), wide[:, -1]
        elbos = target.elbo(last)
        return cls(method, learning_rate, num_categories, last, history, elbos)

    @property
    def distances(self) -> NDArray[np.floating]:
        """Total variations in the end, one a run."""
        return self.history[:, -1]


def format_distances(distances: Sequence[float]) -> str:
    """Their mean, with the standard deviation if there are several."""
    if len(distances) == 1:
        return f"{distances[0]:.1e}"
    return f"{np.mean(distances):.4f} ± {np.std(distances, ddof=1):.4f}"


def format_approximations(target: Target, found: Sequence[Approximation]) -> str:
    """A table of the methods' distances from the target."""
    columns = f"{'categories':>10}{'step size':>11}{'ELBO, nats':>12}"
    head = f"{target.label:26}{columns}  total variation"
    lines = [
        f"{a.method.label:26}{a.num_categories:10}{a.learning_rate or '-':>11}"
        f"{a.elbos.mean():z12.4f}  {format_distances(a.distances)}"
        for a in found
    ]
    return "\n".join([head, *lines])
