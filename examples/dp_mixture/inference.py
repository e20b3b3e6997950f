"""The options of a mixture, the moves that its bound judges, and the whole run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from examples.dp_mixture.gaussians import Base
from examples.dp_mixture.groups import Labels, Search, dense, one_hot, start_groups
from examples.dp_mixture.parameters import Parameters
from examples.dp_mixture.points import SOURCES, Points
from examples.harness.command_line import (
    POSITIVE,
    SEED,
    FigureOptions,
    at_least,
    option,
)

Array = NDArray[np.floating]
MAX_LOSS = 10.0  # in nats: worse partitions are not worth to be trained
NUM_STARTS, NUM_TRIED, MAX_MOVES, NUM_BOUNDS, NUM_DRAWS = 3, 3, 20, 200, 200


@dataclass(frozen=True, kw_only=True)
class Options(FigureOptions):
    """Data and training."""

    dataset: str = option("data set of scikit-learn", "wine", choices=SOURCES)
    dimensions: int = option(
        "largest number of principal components to keep", 13, "-d", where=at_least(1)
    )
    capacity: int = option(
        "number of groups for starts of the search, besides one with one group",
        10,
        "-k",
        where=at_least(1),
    )
    within: float = option(
        "expected share of the variance within a component",
        0.3,
        "-w",
        where=("above 0, and at most 1", lambda value: 0 < value <= 1),
    )
    num_steps: int = option("steps of Adam for each move", 300, "-n", where=at_least(1))
    learning_rate: float = option(
        "step size of Adam, which falls to a tenth", 0.01, "-lr", where=POSITIVE
    )
    seed: int = option("seed of the starts and of the noise", 0, where=SEED)


class Draws(NamedTuple):
    """What draws of the guide say.

    Args:
        probs: Of the components of each point, that of the rest last, with shape
            `(draws, points, n + 1)`.
        weights: Of the components, `(draws, n + 1)`.
        concentration: Of the Dirichlet process, `(draws,)`.
    """

    probs: Array
    weights: Array
    concentration: Array


class Host(NamedTuple):
    """A host, and what it is asked for.

    Args:
        name: Of it.
        train: Maximises the bound from some parameters.
        bounds: Estimates of the bound, one a draw, in nats.
        draw: What the guide says of the points.
    """

    name: str
    train: Callable[[Array, Base, Parameters, Options], Parameters]
    bounds: Callable[[Array, Base, Parameters, int], Array]
    draw: Callable[[Array, Base, Parameters, int], Draws]


class Fit(NamedTuple):
    """A guide that is trained, and how good it is.

    Args:
        how: What made it of the one before.
        parameters: Of the guide.
        bound: In nats.
        error: The standard error of the bound.
    """

    how: str
    parameters: Parameters
    bound: float
    error: float

    def is_better_than(self, other: "Fit") -> bool:
        """Whether its bound is higher, by more than chance."""
        chance = 2 * float(np.hypot(self.error, other.error))
        return self.bound - other.bound > chance


class Found(NamedTuple):
    """What a run found.

    Args:
        fits: Those accepted, the last the best.
        draws: Of the last.
        starts: The groups of each start, and the log density of points and groups.
        complete: Whether no move was left that raises the bound.
        seconds: That it took.
    """

    fits: list[Fit]
    draws: Draws
    starts: list[tuple[int, float]]
    complete: bool
    seconds: float

    @property
    def labels(self) -> Labels:
        """The most probable component of each point, the rest included."""
        return self.draws.probs.mean(0).argmax(-1)

    @property
    def num_used(self) -> int:
        """The components that are the most probable one of a point."""
        return len(np.unique(self.labels))


def infer(host: Host, points: Points, options: Options) -> Found:
    """The components of points, their number included."""
    began, x, fits = perf_counter(), points.x, []
    base = Base(x.shape[1], float(x.var(0).mean()), within=options.within)
    search = Search(base, x, options.seed)
    starts = [search.run(start_groups(x, *start)) for start in _starts(options)]
    trained = partial(_train, host, x, base, options)
    better = trained("start", max(starts, key=search.score))
    while better and len(fits) < MAX_MOVES:
        fits.append(better)
        draws = host.draw(x, base, better.parameters, NUM_DRAWS)
        moves = search.moves(dense(draws.probs.mean(0).argmax(-1)))[:NUM_TRIED]
        tried = (trained(how, to) for gain, how, to in moves if gain > -MAX_LOSS)
        better = next((fit for fit in tried if fit.is_better_than(fits[-1])), None)
    scores = [(int(labels.max()) + 1, search.score(labels)) for labels in starts]
    return Found(fits, draws, scores, not better, perf_counter() - began)


def _starts(options: Options) -> Iterator[tuple[int, int]]:
    """Numbers of groups, and seeds."""
    yield 1, options.seed
    for seed in range(NUM_STARTS):
        yield options.capacity, options.seed + seed


def _train(
    host: Host, points: Array, base: Base, options: Options, how: str, labels: Labels
) -> Fit:
    start = Parameters.of_probs(base, points, one_hot(labels))
    parameters = host.train(points, base, start, options)
    bounds = np.asarray(host.bounds(points, base, parameters, NUM_BOUNDS))
    error = float(bounds.std(ddof=1) / len(bounds) ** 0.5)
    return Fit(how, parameters, float(bounds.mean()), error)
