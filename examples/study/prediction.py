r"""Structured prediction with several families of binary units, tuned alike (Table 2).

Each family has the temperature and learning rate with the best bound of the discrete
network on validation images, for one seed. The table has scores of test images with
other seeds, in nats per image: bounds on log p(lower half | upper half) of the discrete
network, from m samples and from a tenth of them, and the objective with relaxed units.

    python -m examples.study.prediction
    python -m examples.study.prediction --dataset digits --results runs/digits.jsonl
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from examples.harness.command_line import POSITIVE, option, option_of
from examples.harness.lines import Line
from examples.structured_prediction.prediction import (
    FAMILIES,
    Prediction,
    PredictionOptions,
)
from examples.study.finals import finals_of
from examples.study.single_runs import SingleRuns, TableOptions, print_table
from examples.study.tables import to_header, to_row, with_spread

EXAMPLE = "examples.structured_prediction.halves"
SETTINGS = "temperature", "learning_rate"
NAMES = {  # of K = 2; see the example
    "igr": "IGR, and IGR-SB",
    "igr-sb": "IGR-SB, and IGR",
    "igr-planar": "IGR-Planar",
    "gumbel-softmax": "Gumbel-Softmax",
}
COLUMNS = "images", "host", "units", "temperature", "learning rate", "chosen as"
COLUMNS += "epochs", "seeds", "m", "m / 10 samples", "m samples", "relaxed, as trained"
HEADER = to_header(COLUMNS)
NEVER_OFF = "none: its units are above 1/2 at any temperature, so none is ever off"


@dataclass(frozen=True, kw_only=True)
class PredictionTableOptions(TableOptions):
    """The grid (each combination of the first three options), and its results."""

    family: tuple[str, ...] = option(
        "families of the relaxed units; for two categories igr-sb is igr",
        ("igr", "igr-planar", "gumbel-softmax"),
        choices=FAMILIES,
    )
    temperature: tuple[float, ...] = option(
        "temperatures of the relaxed units to try",
        (0.25, 0.5, 1.0, 2.0),
        where=POSITIVE,
    )
    learning_rate: tuple[float, ...] = option(
        "step sizes of Adam to try", (1e-3, 3e-3), "-lr", where=POSITIVE
    )
    num_units: int = option_of(PredictionOptions, "num_units")
    num_epochs: int = option_of(PredictionOptions, "num_epochs")
    results: Path = option(
        "file of the results, one line of JSON per run",
        Path("runs/prediction.jsonl"),
        type=Path,
    )

    def grid(self, family: str) -> list[PredictionOptions]:
        """The options of a family to choose among."""
        settings = product(*(getattr(self, name) for name in SETTINGS))
        choices = [dict(zip(SETTINGS, each, strict=True)) for each in settings]
        return [self.run(PredictionOptions, family=family, **each) for each in choices]


def scores_of(result: Prediction) -> dict[str, Any]:
    """What to keep of a run."""
    fewer, most = (bound.mean for _, bound in sorted(result.test.items()))
    return {
        "validation": result.validation,
        "tenth": fewer,
        "all": most,
        "relaxed": result.objective,
        "seconds": result.seconds,
    }


def study(options: PredictionTableOptions) -> None:
    """Tune each family and run its best settings by seeds."""
    runs = SingleRuns(options, EXAMPLE, scores_of)
    for family in options.family:
        runs.study(options.grid(family))


def rows(lines: Sequence[Line]) -> Iterator[str]:
    """The rows of the table: those of lines, and why eq. 18 has none."""
    finals = finals_of(lines, EXAMPLE, SETTINGS)
    for final in finals:
        member = final.member
        cells = final.images, member["host"], NAMES[member["family"]]
        cells += *(member[name] for name in SETTINGS), final.chosen
        cells += (
            member["num_epochs"],
            len(final.scores),
            member["num_importance_samples"],
        )
        scores = (final.values(name) for name in ("tenth", "all", "relaxed"))
        yield to_row([*cells, *map(with_spread, scores)])
    if finals:
        empty = [""] * (len(COLUMNS) - 4)
        yield to_row(["", "", "IGR-SB by eq. 18", NEVER_OFF, *empty])


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the runs of the command line that have no line, and print the table."""
    print_table(PredictionTableOptions, study, rows, HEADER, __doc__, arguments)


if __name__ == "__main__":
    main()
