"""Runs from the command line: options in, a table of scores or a message out."""

from collections.abc import Callable, Sequence
from pathlib import Path

from command_line import parse_options
from options import Options
from report import Result, format_report


def run(
    train: Callable[[Options], Result],
    description: str,
    figures: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Train as the command line says and print the scores.

    Args:
        train: What to run.
        description: What it is, for the help.
        figures: The default folder of the figures.
        arguments: The command line; that of the process if `None`.

    Raises:
        SystemExit: With a message, if an option, a file or the device is of no use.
    """
    options = parse_options(Options, description, arguments, figures=Path(figures))
    try:
        result = train(options)
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error
    print(format_report(options, result))
