"""Runs from the command line: options in, a report or a message out."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from examples.harness.command_line import parse_options
from examples.harness.folders import make_folder
from examples.harness.interruption import say_when_interrupted
from examples.harness.progress import what_is_saved
from examples.harness.run_options import RunOptions

Options = TypeVar("Options", bound=RunOptions)
Result = TypeVar("Result")


def run(
    of: type[Options],
    train: Callable[[Options], Result],
    report: Callable[[Options, Result], str],
    description: str,
    figures: str,
    arguments: Sequence[str] | None = None,
    **defaults: Any,
) -> None:
    """Train as the command line says and print what came of it.

    Args:
        of: The dataclass of the options.
        train: What to run.
        report: How to print its result.
        description: What it is, for the help.
        figures: The default folder of the figures.
        arguments: The command line; that of the process if `None`.
        defaults: Values to use instead of the options' own defaults.

    Raises:
        SystemExit: With a message, if an option, a file or the device is of no use.
    """
    defaults |= {"figures": Path(figures)}
    options = parse_options(of, description, arguments, **defaults)
    say_when_interrupted(partial(what_is_saved, options))
    try:
        make_folder(options.figures)
        print(report(options, train(options)))
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error
