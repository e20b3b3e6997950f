"""Runs from the command line: options in, a report or a message out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from command_line import parse_options

Options = TypeVar("Options")
Result = TypeVar("Result")


def run(
    of: type[Options],
    train: Callable[[Options], Result],
    report: Callable[[Options, Result], str],
    description: str,
    figures: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Train as the command line says and print what came of it.

    Args:
        of: The dataclass of the options.
        train: What to run.
        report: How to print its result.
        description: What it is, for the help.
        figures: The default folder of the figures.
        arguments: The command line; that of the process if `None`.

    Raises:
        SystemExit: With a message, if an option, a file or the device is of no use.
    """
    options = parse_options(of, description, arguments, figures=Path(figures))
    try:
        result = train(options)
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error
    print(report(options, result))
