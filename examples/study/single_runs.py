"""Single runs of an example, in either host: tuned with one seed, repeated with others.

The result of a run is a line of JSON. Until it is written, a checkpoint in the same
folder has the run, so that the same command resumes after it was killed.
"""

import importlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from examples.harness import command_line
from examples.harness.command_line import (
    SEED,
    Flags,
    Parser,
    make_folder,
    names,
    option,
    option_of,
)
from examples.harness.lines import (
    Line,
    append_lines,
    digest,
    read_lines,
    read_runs,
    score_of,
)
from examples.harness.run import RunOptions, load
from examples.images.datasets import DATASETS

Run = TypeVar("Run", bound=RunOptions)
HOSTS = {"numpyro": ("jax", "numpyro"), "pyro": ("torch", "pyro-ppl")}
FEWEST_SAMPLES = 2  # for scores that are not kept
BESIDE = "num_epochs", "num_importance_samples"  # the configuration: what scores are of


@dataclass(frozen=True, kw_only=True)
class TableOptions(Flags):
    """Data, seeds and results."""

    host: str = option(
        "host that trains, NumPyro or Pyro", "numpyro", choices=tuple(HOSTS)
    )
    seed: int = option("seed of the runs for tuning", 100, where=SEED)
    final_seed: tuple[int, ...] = option(
        "seeds of the runs of the best settings", (0, 1, 2, 3, 4), where=SEED
    )
    dataset: str = option("data set of images", "mnist", choices=DATASETS)
    pixels: str = option_of(RunOptions, "pixels")
    num_epochs: int = option_of(RunOptions, "num_epochs")
    batch_size: int = option_of(RunOptions, "batch_size")
    num_importance_samples: int = option_of(RunOptions, "num_importance_samples")
    data_dir: Path | None = option_of(RunOptions, "data_dir")
    device: str | None = option_of(RunOptions, "device")
    checkpoint_every: int = option_of(RunOptions, "checkpoint_every")
    figures: Path | None = option(
        "folder for figures, with a subfolder for each run of the best settings",
        None,
        type=Path,
    )
    results: Path = option(
        "file of the results, as lines of JSON", Path("runs"), type=Path
    )
    report: bool = option(
        "print the table of the results so far, and train nothing",
        default=False,
        action="store_true",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seed in self.final_seed:
            raise ValueError(
                f"expected --final-seed without {self.seed}, which is --seed, of tuning"
            )

    def run(self, kind: type[Run], **choice: Any) -> Run:
        """The options of a run: what the table says of all, and a choice."""
        common = {*names(kind)} & {*names(type(self))} - {*choice, "figures"}
        return kind(**{name: getattr(self, name) for name in common}, **choice)


@dataclass(frozen=True)
class SingleRuns:
    """Makes the runs of a table, those that have no line yet.

    Args:
        options: Of the table.
        example: The module that trains, without its host.
        scores: What to keep of what it returns; `validation` is what to choose by, and
            `seconds` is None in the line of a run that was interrupted.
    """

    options: TableOptions
    example: str
    scores: Callable[[Any], dict[str, Any]]

    def study(self, grid: Sequence[Any]) -> None:
        """Choose among options, if there is a choice, and run the best by seeds."""
        best = grid[0] if len(grid) == 1 else self.choose(grid)
        for seed in self.options.final_seed:
            final = replace(best, seed=seed)
            self.find(replace(final, figures=self.folder(final)), test=True)

    def folder(self, final: Run) -> Path | None:
        """That of the figures of a final run alone, if there are to be any."""
        if self.options.figures is None:
            return None
        named = final.dataset, final.pixels, final.family, self.options.host, final.seed
        words = *map(str, named), digest(self.name(final, test=True))
        return self.options.figures / "_".join(words)

    def choose(self, grid: Sequence[Run]) -> Run:
        """The options that do best on validation images; ValueError if none do."""
        few = {"num_importance_samples": FEWEST_SAMPLES}
        found = [self.find(replace(each, **few), test=False) for each in grid]
        scores = [score_of(line, "validation") for line in found]
        if not math.isfinite(max(scores)):
            raise ValueError(f"expected a finite score in {self.options.results}")
        return grid[scores.index(max(scores))]

    def find(self, options: RunOptions, *, test: bool) -> Line:
        """The line of a run, which is made now if there is none.

        Where there is something to choose, test images do not: no score of theirs.
        """
        member, results = self.name(options, test=test), self.options.results
        checkpoint = results.with_name(f"{results.name}.{digest(member)}")
        lines = [line for line in read_lines(results) if line["member"] == member]
        if not lines:
            lines = [{"member": member, **self.make(options, checkpoint)}]
            if not test:
                scores = lines[0]["scores"]
                lines[0]["scores"] = {"validation": scores["validation"]}
            append_lines(results, lines, key="member")
        checkpoint.unlink(missing_ok=True)
        return lines[0]

    def name(self, options: RunOptions, *, test: bool) -> dict[str, Any]:
        """What the line of a run is known by."""
        of_table = {"example": self.example, "host": self.options.host, "test": test}
        scored = {name: getattr(options, name) for name in BESIDE}
        return of_table | options.configuration() | scored

    def make(self, options: RunOptions, checkpoint: Path) -> dict[str, Any]:
        """What a run was on and what it found, from its checkpoint if there is one."""
        resume, command_line.again = checkpoint.exists(), "the same command"
        train = open_example(self.example, self.options.host).train
        result = train(replace(options, checkpoint=checkpoint, resume=resume))
        (kept, *_), _ = load(checkpoint)
        packages = *HOSTS[self.options.host], "pyro-igr"
        on = {k: x for k, x in kept.items() if k not in options.configuration()}
        on |= {name: version(name) for name in packages}
        unknown = {"seconds": None} if resume else {}
        return {"on": on, "scores": self.scores(result) | unknown}


def open_example(example: str, host: str) -> Any:
    """The module of an example; ValueError if its host is not there."""
    try:
        return importlib.import_module(f"{example}_{host}")
    except ModuleNotFoundError as error:
        raise ValueError(f"cannot use --host {host}: {error}") from error


def print_table(
    kind: type[TableOptions],
    study: Callable[[Any], None],
    rows: Callable[[Sequence[Line]], Iterable[str]],
    header: str,
    description: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Make the runs of a command line, unless it asks for the table alone; print it."""
    options = kind.parse(description, arguments)
    try:
        read_runs(options.results)  # before there are more
        if not options.report:
            make_folder(options.results.parent, "--results")
            if options.figures:
                make_folder(options.figures, "--figures")
            study(options)
        found = list(rows(read_runs(options.results)))
        if not found:
            raise ValueError(f"{options.results}: expected lines of finals, got none")
    except (OSError, ValueError) as error:
        Parser(description).error(str(error))
    print(header, *found, sep="\n")
