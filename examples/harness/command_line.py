"""The command line of a program: its flags, and how Ctrl-C and SIGTERM end it.

The signals are blocked, and a thread waits for them. It ends the program at once, even
while others compile, or are within a library that would suppress an exception.
"""

import errno
import math
import os
import signal
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from threading import Lock, Thread
from typing import Any, NoReturn, Self

SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
uninterrupted = Lock()  # while it is held the program goes on
COMMAND = "    python -m "  # how a paragraph of commands begins
saved: str | None = "nothing new is saved"  # the end of its line; None: not its own
again = "--resume"  # what goes on from a checkpoint; of a study, the same command


def end_in_one_line() -> None:
    """From here on the signals end the program, with status 128 and their number."""
    sys.stdout.reconfigure(line_buffering=True)  # what is printed is not lost
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    number = signal.sigwait(SIGNALS)
    end(SIGNALS[number], 128 + number)


def end(why: str, status: int) -> NoReturn:
    """End the program at once, in one line that says why, and what is saved."""
    with uninterrupted:
        before = "\n" if sys.stderr.isatty() else ""  # a progress bar may be there
        if saved is not None:
            line = f"{before}{why}: {saved}\n"
            os.write(sys.stderr.fileno(), line.encode())
        os._exit(status)


Range = tuple[str, Callable[[Any], bool]]
ANY: Range = "anything", lambda value: True
POSITIVE: Range = "positive and finite", lambda value: 0 < value < math.inf
SHARE: Range = (
    "at least 0 and below 1 in single precision",
    lambda value: 0 <= value < 1 - 2**-25,
)
SEED: Range = "from 0 to 2147483647", lambda value: 0 <= value < 2**31  # of all hosts


def at_least(least: int) -> Range:
    """The integers from there on."""
    return f"at least {least}", lambda value: value >= least


def option(
    help: str, default: Any, *flags: str, where: Range = ANY, **keywords: Any
) -> Any:
    """A field of a dataclass of options, which has several values if it is a tuple.

    Short forms of its flag may follow the default; keywords are those of `argparse`,
    and `tracked`, which says whether the course of a run depends on it.
    """
    values = default if isinstance(default, tuple) else (default,)
    if default is not None and default is not False and default != "":
        help += f" (default: {' '.join(map(str, values))})"
    metadata = {"where": where, "tracked": keywords.pop("tracked", True)}
    if "action" not in keywords:
        nargs = "+" if isinstance(default, tuple) else None
        keywords = {"type": type(values[0]), "nargs": nargs} | keywords
    metadata |= {"flags": flags, "keywords": keywords | {"help": help}}
    return field(default=default, metadata=metadata)


class Parser(ArgumentParser):
    """The help of a program, which ends with its commands, and errors of one line.

    Args:
        description: What the program is, with commands in paragraphs of their own.
    """

    def __init__(self, description: str) -> None:
        paragraphs = description.strip().split("\n\n")
        commands = [p for p in paragraphs if p.startswith(COMMAND)]
        prog = " ".join(commands[0].split()[:3]) if commands else None
        super().__init__(
            prog,
            "%(prog)s [option ...]",
            "\n\n".join(p for p in paragraphs if p not in commands),
            "\n".join(["for example:", *commands]) if commands else None,
            formatter_class=RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """End the program in one line, with status 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")


@dataclass(frozen=True, kw_only=True)
class Flags:
    """Options; each field is a flag, and a value out of its range a ValueError."""

    def __post_init__(self) -> None:
        for each in fields(self):
            given, (range_, holds) = getattr(self, each.name), each.metadata["where"]
            for value in given if isinstance(given, tuple) else (given,):
                if not holds(value):
                    name = _flag(each.name)
                    raise ValueError(f"expected {name} to be {range_}, got {value}")

    @classmethod
    def parse(cls, description: str, arguments: Sequence[str] | None = None) -> Self:
        """The options of a command line; ends the program if one is wrong."""
        parser = Parser(description)
        groups = {c: parser.add_argument_group(_title(c)) for c in _bases(cls)}
        for each in fields(cls):
            *_, first = (c for c in groups if each.name in names(c))
            flags = *each.metadata["flags"], _flag(each.name)
            keywords = each.metadata["keywords"]
            groups[first].add_argument(*flags, default=each.default, **keywords)
        found = vars(parser.parse_args(arguments)).items()
        try:
            return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in found})
        except ValueError as error:
            parser.error(str(error))


def option_of(flags: type[Flags], name: str) -> Any:
    """The option of that name of other options, to have it too."""
    (each,) = (each for each in fields(flags) if each.name == name)
    return field(default=each.default, metadata=each.metadata)


def names(flags: type[Flags]) -> list[str]:
    """The names of options."""
    return [each.name for each in fields(flags)]


def _bases(flags: type[Flags]) -> list[type[Flags]]:
    """The classes that define options: its own first, then those for more programs."""
    return [c for c in flags.__mro__ if issubclass(c, Flags) and c is not Flags]


def _title(flags: type[Flags]) -> str:
    return flags.__doc__.strip().removesuffix(".")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def make_folder(folder: Path, flag: str) -> None:
    """Create a folder that a flag asks for; OSError if it cannot be written into."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        why = f"{flag}: cannot write into {folder}: {error.strerror}"
        raise OSError(why) from error


@dataclass(frozen=True, kw_only=True)
class FigureOptions(Flags):
    """Figures."""

    figures: Path | None = option(
        "folder for the figures, instead of one in runs",
        None,
        type=Path,
        tracked=False,
    )
    figure_format: str = option(
        "format of the figures; pdf and svg are vector graphics",
        "png",
        choices=("png", "pdf", "svg"),
        tracked=False,
    )
    no_figures: bool = option(
        "draw no figures", default=False, action="store_true", tracked=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.no_figures and self.figures:
            raise ValueError("expected --figures or --no-figures, not both")

    def in_folder(self, default: str) -> Self:
        """The same with a folder for the figures, unless there are to be none.

        It is created now, before hours have gone into its content.
        """
        if self.no_figures:
            return replace(self, figures=None)
        folder = self.figures or Path(default)
        make_folder(folder, "--figures")
        return replace(self, figures=folder)

    def figure(self, name: str) -> Path:
        """The file of a figure."""
        return self.figures / f"{name}.{self.figure_format}"
