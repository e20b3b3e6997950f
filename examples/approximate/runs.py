"""Approximating distributions of integers: what the twins of the example share.

A relaxed distribution is trained towards a target p by gradients through its samples z,
as a network would train it. The objective is the distance of the means,

    |E z - p|^2, estimated without bias by (mean of z - p) . (mean of z' - p),

with the scale of the Gaussians at 1. That is eq. 14 of the paper with the expectation
inside the norm; as printed, E |z - p|^2 is least if z = p always, without noise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from examples.approximate.figures import save_approximations
from examples.approximate.results import (
    Approximation,
    Method,
    format_approximations,
    methods_for,
)
from examples.approximate.targets import NUM_VALUES, TARGETS, Target
from examples.harness.command_line import (
    POSITIVE,
    SEED,
    FigureOptions,
    Parser,
    at_least,
    option,
)

NUM_PERIODS, FINAL_STEP_SIZE = 100, 0.01
STEPS = (
    f"a positive multiple of {NUM_PERIODS}",
    lambda value: value > 0 and value % NUM_PERIODS == 0,
)
SIZES = f"from 2 to {NUM_VALUES}", lambda value: 2 <= value <= NUM_VALUES


@dataclass(frozen=True, kw_only=True)
class Options(FigureOptions):
    """Targets and training."""

    targets: tuple[str, ...] = option(
        "distributions to approximate", tuple(TARGETS), "-t", choices=tuple(TARGETS)
    )
    num_categories: tuple[int, ...] = option(
        "numbers of categories of Gumbel-Softmax; IGR has the largest, and IGR-SB "
        "starts with the smallest",
        (20, 40, 100),
        "-k",
        where=SIZES,
    )
    temperature: float = option(
        "temperature of the relaxed distributions", 0.1, where=POSITIVE
    )
    num_steps: int = option(
        f"steps of Adam in each run, in {NUM_PERIODS} equal periods",
        1000,
        "-n",
        where=STEPS,
    )
    num_samples: int = option(
        "samples for each of the two means of a step", 100, "-s", where=at_least(1)
    )
    learning_rates: tuple[float, ...] = option(
        "step sizes of Adam to choose from; they fall to a hundredth",
        (0.03, 0.1, 0.3, 1.0),
        "-lr",
        where=POSITIVE,
    )
    num_runs: int = option(
        "number of runs to report, with consecutive seeds", 3, where=at_least(1)
    )
    seed: int = option("seed of the first run", 0, where=SEED)

    @property
    def seeds(self) -> range:
        """Those of the runs to report on."""
        return range(self.seed, self.seed + self.num_runs)

    @property
    def period(self) -> int:
        """The steps of a period."""
        return self.num_steps // NUM_PERIODS

    @property
    def decay(self) -> float:
        """What a step multiplies the step size by."""
        return FINAL_STEP_SIZE ** (1 / self.num_steps)


class Host(NamedTuple):
    """What a host does.

    Args:
        name: Its name.
        match: Returns the probabilities that recover a target.
        train: Yields the probabilities after each period of its training,
            with a learning rate and a seed.
    """

    name: str
    match: Callable[[Method, Target, Options], NDArray[np.floating]]
    train: Callable[
        [Method, Target, Options, float, int], Iterator[NDArray[np.floating]]
    ]


def approximate(
    host: Host, method: Method, target: Target, options: Options, progress: tqdm
) -> Approximation:
    """What a method finds for a target, with the best of the step sizes."""
    if not method.trained:
        return Approximation.of(target, method, [[host.match(method, target, options)]])
    rate = choose_rate(host, method, target, options, progress)
    return train(host, method, target, options, rate, options.seeds, progress)


def train(
    host: Host,
    method: Method,
    target: Target,
    options: Options,
    rate: float,
    seeds: Sequence[int],
    progress: tqdm,
) -> Approximation:
    """What runs with these seeds find."""
    runs = []
    for seed in seeds:
        runs.append([])
        for probs in host.train(method, target, options, rate, seed):
            runs[-1].append(probs)
            progress.update()
    return Approximation.of(target, method, runs, rate)


def choose_rate(
    host: Host, method: Method, target: Target, options: Options, progress: tqdm
) -> float:
    """The step size that comes closest, with a seed that is not reported."""

    def distance(rate: float) -> float:
        seeds = [options.seeds.stop]
        found = train(host, method, target, options, rate, seeds, progress)
        return found.distances[0]

    return min(options.learning_rates, key=distance)


def approximate_all(
    host: Host, options: Options
) -> Iterator[tuple[str, list[Approximation]]]:
    """Yields the name of each target, and what every method found for it."""
    methods = {
        name: methods_for(TARGETS[name], options.num_categories)
        for name in options.targets
    }
    num_trained = sum(m.trained for of_one in methods.values() for m in of_one)
    num_runs = num_trained * (len(options.learning_rates) + options.num_runs)
    with tqdm(total=num_runs * NUM_PERIODS, disable=None) as progress:
        for name, of_one in methods.items():
            progress.set_postfix_str(name)
            yield (
                name,
                [
                    approximate(host, method, TARGETS[name], options, progress)
                    for method in of_one
                ],
            )


def run(host: Host, description: str, arguments: Sequence[str] | None = None) -> None:
    """Approximate what the command line says, print the distances and draw.

    Args:
        host: What to approximate with.
        description: What it is, for the help.
        arguments: The command line; that of the process if `None`.

    Raises:
        SystemExit: With a message, if an option or the folder is of no use.
    """
    options = Options.parse(description, arguments)
    try:
        options = options.in_folder(f"runs/approximate_{host.name}")
    except OSError as error:
        Parser(description).error(str(error))
    results = {}
    for name, found in approximate_all(host, options):
        results[name] = TARGETS[name], found
        tqdm.write(format_approximations(*results[name]) + "\n")
    if options.figures:
        save_approximations(options.figure, results)
