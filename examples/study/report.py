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

from matplotlib.figure import Figure

from examples.harness.command_line import Flags, Parser, make_folder, option
from examples.harness.lines import read_runs, read_timings
from examples.images.figures import save_figure
from examples.study.chosen import SETTINGS
from examples.study.recipe_scores import (
    CHECKS,
    SCORES,
    Final,
    best_first,
    summarize,
    tuned,
)
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


def is_figure(path: Path | None) -> bool:
    """Whether it is none, or its suffix is that of a format of figures."""
    return path is None or path.suffix in {".png", ".pdf", ".svg"}


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
    figure: Path | None = option(
        "file for the figure of scores by the seconds of training",
        None,
        type=Path,
        where=("a file .png, .pdf or .svg", is_figure),
    )


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
    suffix = ", averaged" if final.settings["decay"] == "average" else ""
    return final.recipe + suffix


def draw(found: Sequence[Final], path: Path) -> None:
    """Log-likelihood against seconds, a line a recipe, with the spread over seeds."""
    timed = [final for final in found if final.seconds is not None]
    if not timed:
        raise ValueError("expected timings of recipes with --figure, got none")
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axis = figure.subplots()
    for i, (label, group) in enumerate(groupby(sorted(timed, key=_label), _label)):
        points = sorted(group, key=lambda final: final.seconds)
        values = [point.scores[SCORES[0]] for point in points]
        spread = [statistics.stdev(x) if len(x) > 1 else 0.0 for x in values]
        axis.errorbar(
            [point.seconds for point in points],
            [statistics.mean(x) for x in values],
            spread,
            marker="osD^v<>"[i % 7],
            linestyle=("-", "--", ":")[i // 10 % 3],
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
        lines = [line for line in lines if "example" not in line["member"]]
        tested = [line for line in lines if line["member"]["test"]]
        shown, split = (
            (tuned(lines), "validation") if options.tuned else (tested, "test")
        )
        found = summarize(shown, read_timings(options.timings), split)
        if not found:
            where = " ".join(map(str, options.results))
            kind = "tuning with --tuned" if options.tuned else "finals without --tuned"
            raise ValueError(f"{where}: expected lines of {kind}, got none")
        if options.figure:
            make_folder(options.figure.parent, "--figure")
            draw(found, options.figure)
    except (OSError, ValueError) as error:
        Parser(__doc__).error(str(error))
    print(HEADER, *rows(found), sep="\n")


if __name__ == "__main__":
    main()
