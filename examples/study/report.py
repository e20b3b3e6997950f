"""The table and the figure of a study of recipes, from its lines of JSON alone.

A row is a recipe with its best settings, for a number of epochs. Scores are means and
standard deviations over the seeds, in nats per test image: log-likelihood and ELBO of
the discrete model; the log-likelihood after refitting the guide to the fixed decoder;
that of a few images with as many codes and with ten times as many. With --tuned the
scores are those of tuning, on validation images. Seconds are by the timings.

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
from examples.harness.lines import Line, read_lines, read_runs
from examples.images.figures import save_figure
from examples.study.chosen import (
    SETTINGS,
    best_settings,
    name_of,
    recipe_of,
    seconds_per_epoch,
)
from examples.study.recipes import Recipe
from examples.study.tables import to_header, to_row, with_spread

COLUMNS = (
    "recipe",
    "temperature",
    "learning rate",
    "decay",
    "epochs",
    "seconds",
    "seeds",
)
COLUMNS += "log-likelihood", "ELBO", "guide refitted", "few images", "by tenfold codes"
HEADER = to_header(COLUMNS)
SCORES = "log_likelihood", "elbo"
CHECKS = "refitted_test", "few", "few_tenfold"  # of the log-likelihood
FREE = {"seed", "num_followed"}  # what runs of a row may differ in


@dataclass(frozen=True, kw_only=True)
class ReportOptions(Flags):
    """Results, and what to make of them."""

    results: tuple[Path, ...] = option(
        "files of the results, as lines of JSON", (Path("runs/grid.jsonl"),), type=Path
    )
    timings: Path = option(
        "file of the timings, as lines of JSON", Path("runs/timings.jsonl"), type=Path
    )
    tuned: bool = option(
        "report the results of tuning instead", default=False, action="store_true"
    )
    figure: Path | None = option("file for the figure", None, type=Path)


class Final(NamedTuple):
    """What a recipe found in a budget, by seed.

    Args:
        recipe: Its name.
        settings: Those that did best in tuning.
        num_epochs: Of each run.
        seconds: That they take, by the timings, if there is one.
        scores: Values of each score, one a seed, and of each check that was made.
    """

    recipe: str
    settings: dict[str, Any]
    num_epochs: int
    seconds: float | None
    scores: dict[str, list[float]]


def tuned(lines: Sequence[Line]) -> list[Line]:
    """The line of each recipe and budget that did best on validation images."""
    groups: dict[tuple[Recipe, int], list[Line]] = {}
    for line in lines:
        if not line["member"]["test"]:
            key = recipe_of(line["member"]), line["member"]["num_epochs"]
            groups.setdefault(key, []).append(line)
    best = {key: best_settings(group, key[0]) for key, group in groups.items()}
    return [
        line
        for key, group in groups.items()
        for line in group
        if best[key].items() <= line["member"].items()
    ]


def summarize(
    lines: Sequence[Line], timings: Sequence[Line], split: str
) -> list[Final]:
    """What lines say of the images of a split, those of a recipe together.

    ValueError if those are of other runs, of other images say, that have no row here.
    """

    def key(line: Line) -> tuple[Any, ...]:
        member = line["member"]
        settings = [str(member[name]) for name in SETTINGS]
        return name_of(member), member["num_epochs"], *settings

    found = []
    for _, group in groupby(sorted(lines, key=key), key):
        runs = list(group)
        _check_seeds([run["member"] for run in runs])
        member, epochs = runs[0]["member"], runs[0]["member"]["num_epochs"]
        of = recipe_of(member), member["architecture"], member["dataset"]
        cost = seconds_per_epoch(timings, *of)
        wanted = {name: f"{split}_{name}" for name in SCORES}
        wanted |= {check: f"{check}_log_likelihood" for check in CHECKS}
        scores = {
            name: [run["scores"][score] for run in runs]
            for name, score in wanted.items()
            if all(score in run["scores"] for run in runs)
        }
        settings = {name: member[name] for name in SETTINGS}
        of_run = name_of(member), settings, epochs, cost and cost * epochs
        found.append(Final(*of_run, scores))
    return found


def _check_seeds(members: Sequence[dict[str, Any]]) -> None:
    first = members[0]
    names = {n for each in members for n in each if each[n] != first.get(n)}
    if others := sorted(names - FREE):
        raise ValueError(
            f"expected lines of {name_of(first)} that differ in their seed alone, got "
            f"several values of {', '.join(others)}: give them files of their own"
        )


def best_first(found: Sequence[Final]) -> list[Final]:
    """The same, the highest log-likelihood first."""
    return sorted(found, key=lambda x: -statistics.mean(x.scores[SCORES[0]]))


def rows(found: Sequence[Final]) -> Iterator[str]:
    """The rows of the table, the highest log-likelihood first."""
    for final in best_first(found):
        names = *SCORES, *CHECKS
        scores = [with_spread(final.scores.get(name, ())) for name in names]
        settings = [final.settings[name] for name in SETTINGS]
        number = len(final.scores[SCORES[0]])
        seconds = "" if final.seconds is None else f"{final.seconds:.0f}"
        cells = final.recipe, *settings, final.num_epochs, seconds
        yield to_row([*cells, number, *scores])


def _label(final: Final) -> str:
    of_end = ", averaged" if final.settings["decay"] == "average" else ""
    return final.recipe + of_end


def draw(found: Sequence[Final], path: Path) -> None:
    """Log-likelihood against seconds, a line a recipe, with the spread over seeds."""
    timed = [final for final in found if final.seconds is not None]
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axis = figure.subplots()
    for i, (label, group) in enumerate(groupby(timed, _label)):
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
            label=label,
        )
    axis.set(
        xscale="log",
        xlabel="seconds of training, one thread",
        ylabel="log-likelihood, nats an image",
    )
    for which in ("major", "minor"):
        axis.xaxis.set_tick_params(which=which, labelrotation=90)
    axis.xaxis.set_major_formatter("{x:.0f}")
    axis.xaxis.set_minor_formatter("{x:.0f}")
    figure.legend(loc="outside right upper", fontsize="small")
    save_figure(figure, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and draw the figure where it is asked for."""
    options = ReportOptions.parse(__doc__, arguments)
    try:
        lines = list(chain.from_iterable(map(read_runs, options.results)))
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
