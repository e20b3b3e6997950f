"""The tables and figures of the paper, each from runs of every method under one script.

Each part is a study with a file of lines of JSON in the folder of results, and resumes
if it was killed. Parts run in order of importance, so that finished ones can be used.
--report needs only the lines: it prints the tables, and draws the figures there.

    python -m examples.study.paper
    python -m examples.study.paper --part mnist-linear --more=--num-epochs=20

The paper's own numbers are not compared: they are not bounds of a discrete model (the
log of an average of p(x | z), less a KL in closed form, can exceed log p(x)), and its
code thresholds the images. `examples.approximate` draws Figures 1 and 3 to 8.
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from examples.harness.command_line import Flags, Parser, option
from examples.harness.lines import read_runs
from examples.study.curves import draw_curves
from examples.study.parts import PARTS


@dataclass(frozen=True, kw_only=True)
class PaperOptions(Flags):
    """Parts and results."""

    part: tuple[str, ...] = option("parts to run", tuple(PARTS), choices=tuple(PARTS))
    data_dir: Path | None = option(
        "folder with the data sets, instead of downloads", None, type=Path
    )
    results: Path = option(
        "folder of the results, one file per part", Path("runs/paper"), type=Path
    )
    more: str = option("further options of the parts, as one quoted argument", "")
    report: bool = option(
        "print the tables and draw the figures of the results so far, and run nothing",
        default=False,
        action="store_true",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            shlex.split(self.more)
        except ValueError as error:
            raise ValueError(f"expected --more to be options, got: {error}") from error

    def lines(self, part: str) -> Path:
        """The file of a part's lines."""
        return self.results / f"{part}.jsonl"


def run(options: PaperOptions) -> None:
    """Run the parts in their order, once all of them know their options."""
    programs = {name: import_module(PARTS[name].module) for name in options.part}
    given = {name: arguments_of(name, options) for name in programs}
    for name, program in programs.items():
        PARTS[name].options.parse(program.__doc__, given[name])
    for name, program in programs.items():
        program.main(given[name])


def arguments_of(name: str, options: PaperOptions) -> tuple[str, ...]:
    """The command line of a part."""
    where = [f"--data-dir={options.data_dir}"] if options.data_dir else []
    results = f"--results={options.lines(name)}"
    return *PARTS[name].arguments, *where, results, *shlex.split(options.more)


def tables(options: PaperOptions) -> Iterator[tuple[str, str, Iterator[str]]]:
    """The title, the header and the rows of each part that there are lines of."""
    for name in options.part:
        if lines := read_runs(options.lines(name)):
            part = PARTS[name]
            yield part.title, part.header, part.rows(lines)


def draw(options: PaperOptions) -> None:
    """Draw the parts that were followed over the epochs, beside their lines."""
    for name in options.part:
        lines = read_runs(options.lines(name))
        if any("curves" in line for line in lines):
            draw_curves(lines, options.results / f"{name}.png")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts of the command line, or report on them."""
    options = PaperOptions.parse(__doc__, arguments)
    try:
        if not options.report:
            run(options)
        found = list(tables(options))
        if options.report and not found:
            raise ValueError(f"{options.results}: expected lines of a part, got none")
        for title, header, of_part in found:
            print(f"\n{title}\n", header, *of_part, sep="\n")
        draw(options)
    except (OSError, ValueError) as error:
        Parser(__doc__).error(str(error))


if __name__ == "__main__":
    main()
