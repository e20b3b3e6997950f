"""The command line of a program: its flags, and how Ctrl-C and SIGTERM end it.

The signals are blocked, and a thread waits for them: it ends the program at once while
the others compile, or are within a library that would swallow an exception.
"""

import argparse
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeVar

SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
uninterrupted = Lock()  # while it is held the program goes on
_saved: list[Callable[[], str]] = [lambda: "nothing is saved"]
LARGEST_SEED = 2**31 - 1  # what all generators take, with a few after it
T = TypeVar("T")


def end_in_one_line() -> None:
    """From here on the signals end the program, with status 128 and their number."""
    sys.stdout.reconfigure(line_buffering=True)  # what is printed is not lost
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    Thread(target=_wait, daemon=True).start()


def say_when_interrupted(saved: Callable[[], str]) -> None:
    """Have that line end with what a function returns then."""
    _saved[:] = [saved]


def _wait() -> None:
    number = signal.sigwait(SIGNALS)
    with uninterrupted:
        before = "\n" if sys.stderr.isatty() else ""  # a progress bar may be there
        line = f"{before}{SIGNALS[number]}: {_saved[0]()}\n"
        os.write(sys.stderr.fileno(), line.encode())
        os._exit(128 + number)


def option(
    help: str,
    *flags: str,
    default: Any,
    at_least: int | None = None,
    at_most: int | None = None,
    positive: bool = False,
    tracked: bool = True,
    **keywords: Any,
) -> Any:
    """A field of a dataclass of options.

    Args:
        help: What it is.
        flags: Short forms of its flag, which has the name of the field.
        default: Its value if none is given; a tuple takes several values.
        at_least: The least value.
        at_most: The greatest value.
        positive: Whether the value must be positive and finite.
        tracked: Whether the course of a run depends on it.
        keywords: More keywords for `argparse`.
    """
    if "action" not in keywords:
        keywords = _type_of(default) | keywords
    metadata = {"at_least": at_least, "at_most": at_most, "positive": positive}
    metadata |= {"tracked": tracked, "flags": flags}
    metadata |= {"keywords": keywords | {"help": help}}
    return field(default=default, metadata=metadata)


def _type_of(default: Any) -> dict[str, Any]:
    if isinstance(default, tuple):
        return {"type": type(default[0]), "nargs": "+"}
    return {"type": type(default)}


def flag(name: str) -> str:
    """The flag of the field of that name."""
    return "--" + name.replace("_", "-")


def check_ranges(options: Any) -> None:
    """Check the values of the fields against their ranges.

    Raises:
        ValueError: If a value is out of its range.
    """
    for declared in fields(options):
        name, given = flag(declared.name), getattr(options, declared.name)
        ranges = declared.metadata
        least, most = ranges["at_least"], ranges["at_most"]
        for value in given if isinstance(given, tuple) else (given,):
            if least is not None and value < least:
                raise ValueError(f"expected {name} to be at least {least}, got {value}")
            if most is not None and value > most:
                raise ValueError(f"expected {name} to be at most {most}, got {value}")
            if ranges["positive"] and not 0 < value < math.inf:
                raise ValueError(
                    f"expected {name} to be positive and finite, got {value}"
                )


def _say_default(default: Any) -> str:
    if default is None or default is False:
        return ""
    values = default if isinstance(default, tuple) else (default,)
    return f" (default: {' '.join(map(str, values))})"


def parse_options(
    of: type[T],
    description: str,
    arguments: Sequence[str] | None = None,
    **defaults: Any,
) -> T:
    """Read options from a command line.

    Args:
        of: The dataclass of the options.
        description: What the program is, for its help.
        arguments: The command line; that of the process if `None`.
        defaults: Values to use instead of the fields' own defaults.

    Raises:
        SystemExit: With a message, if an option is wrong.
    """
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for declared in fields(of):
        flags = *declared.metadata["flags"], flag(declared.name)
        default = defaults.get(declared.name, declared.default)
        keywords = declared.metadata["keywords"]
        help = keywords["help"] + _say_default(default)
        parser.add_argument(*flags, default=default, **keywords | {"help": help})
    values = vars(parser.parse_args(arguments)).items()
    try:
        return of(**{k: tuple(v) if isinstance(v, list) else v for k, v in values})
    except ValueError as error:
        parser.error(str(error))


def make_folder(path: Path) -> None:
    """Create the folder of the figures before hours have gone into its content.

    Raises:
        OSError: If it cannot be created or written to.
    """
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK):
        raise PermissionError(f"--figures {path} cannot be written to")


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """How long to train; each field is a flag of the command line.

    Raises:
        ValueError: If a value is out of its range.
    """

    num_steps: int = option("steps of Adam", "-n", default=1000, at_least=1)

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class PointOptions(StepOptions):
    """The same, and how many points to train on."""

    num_points: int = option("points of data", default=50, at_least=1)
