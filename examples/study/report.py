"""The table and the figure of a study of recipes, from its lines of JSON alone.

A row is a recipe at its best settings, run so many epochs with every seed: mean and
standard deviation over the seeds, in nats an image, of the log-likelihood and the ELBO
of the discrete model on test images; or what tuning found, on validation images.
Seconds are those of the timings.

    python -m examples.study.report
    python -m examples.study.report --results runs/a.jsonl runs/b.jsonl --figure a.png
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from examples.harness.command_line import Flags, Parser, option
from examples.harness.lines import Line, read_lines
from examples.images.figures import save_figure
from examples.study.chosen import (
    SETTINGS,
    best_settings,
    recipe_of,
    seconds_per_epoch,
)

HEADER = (
    "| recipe | temperature | learning rate | decay | epochs | seconds | seeds "
    "| log-likelihood | ELBO |\n|---|---|---|---|---|---|---|---|---|"
)
SCORES = "log_likelihood", "elbo"


@dataclass(frozen=True, kw_only=True)
class ReportOptions(Flags):
    """Where the lines are and what to draw."""

    results: tuple[Path, ...] = option(
        "files of lines that runs have found", (Path("runs/grid.jsonl"),), type=Path
    )
    timings: Path = option(
        "file of lines of what runs cost", Path("runs/timings.jsonl"), type=Path
    )
    tuned: bool = option(
        "say what tuning found instead", default=False, action="store_true"
    )
    figure: Path | None = option("file to draw the figure in", None, type=Path)


class Final(NamedTuple):
    """What a recipe found in a budget, by seed.

    Args:
        recipe: Its name.
        settings: Those that did best in tuning.
        num_epochs: Of each run.
        seconds: That they take, by the timings.
        scores: Values of each score, one a seed.
    """

    recipe: str
    settings: dict[str, Any]
    num_epochs: int
    seconds: float
    scores: dict[str, list[float]]


def tuned(lines: Sequence[Line]) -> list[Line]:
    """The line of each recipe that did best on validation images, before any test."""
    of_tuning = [line for line in lines if not line["member"]["test"]]
    recipes = {recipe_of(line["member"]): None for line in of_tuning}
    best = {recipe: best_settings(of_tuning, recipe) for recipe in recipes}
    return [
        line
        for line in of_tuning
        if best[recipe_of(line["member"])].items() <= line["member"].items()
    ]


def summarize(
    lines: Sequence[Line], timings: Sequence[Line], split: str
) -> list[Final]:
    """What lines say of the images of a split, those of a recipe together."""

    def key(line: Line) -> tuple[Any, ...]:
        member = line["member"]
        settings = [str(member[name]) for name in SETTINGS]
        return str(recipe_of(member)), member["num_epochs"], *settings

    found = []
    for _, group in groupby(sorted(lines, key=key), key):
        runs = list(group)
        member, recipe = runs[0]["member"], recipe_of(runs[0]["member"])
        cost = seconds_per_epoch(timings, recipe, member["architecture"])
        epochs = member["num_epochs"]
        scores = {
            name: [run["scores"][f"{split}_{name}"] for run in runs] for name in SCORES
        }
        settings = {name: member[name] for name in SETTINGS}
        found.append(Final(str(recipe), settings, epochs, epochs * cost, scores))
    return found


def rows(found: Sequence[Final]) -> Iterator[str]:
    """The rows of the table, the highest log-likelihood first."""
    for final in sorted(found, key=lambda x: -statistics.mean(x.scores[SCORES[0]])):
        scores = [_with_spread(final.scores[name]) for name in SCORES]
        settings = [final.settings[name] for name in SETTINGS]
        number = len(final.scores[SCORES[0]])
        cells = final.recipe, *settings, final.num_epochs, f"{final.seconds:.0f}"
        yield "| " + " | ".join(map(str, (*cells, number, *scores))) + " |"


def _with_spread(values: Sequence[float]) -> str:
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def draw(found: Sequence[Final], path: Path) -> None:
    """Log-likelihood against seconds, a line a recipe, with the spread over seeds."""
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axis = figure.subplots()
    for i, (recipe, group) in enumerate(groupby(found, lambda final: final.recipe)):
        points = sorted(group, key=lambda final: final.seconds)
        values = [point.scores[SCORES[0]] for point in points]
        spread = [statistics.stdev(x) if len(x) > 1 else 0.0 for x in values]
        axis.errorbar(
            [point.seconds for point in points],
            [statistics.mean(x) for x in values],
            spread,
            marker="osD^v<>"[i % 7],
            linestyle=("-", "--", ":")[i // 10],
            capsize=2,
            label=recipe,
        )
    axis.set(
        xscale="log",
        xlabel="seconds of training, one thread",
        ylabel="log-likelihood, nats an image",
    )
    figure.legend(loc="outside right upper", fontsize="small")
    save_figure(figure, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and draw the figure where it is asked for."""
    options = ReportOptions.parse(__doc__, arguments)
    try:
        lines = list(chain.from_iterable(map(read_lines, options.results)))
        tested = [line for line in lines if line["member"]["test"]]
        of = (tuned(lines), "validation") if options.tuned else (tested, "test")
        found = summarize(of[0], read_lines(options.timings), of[1])
    except (OSError, ValueError) as error:
        Parser(__doc__).error(str(error))
    print(HEADER, *rows(found), sep="\n")
    if options.figure:
        draw(found, options.figure)


if __name__ == "__main__":
    main()
