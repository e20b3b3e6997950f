"""Dataclasses of options whose fields are the flags of a command line."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import field, fields
from typing import Any, TypeVar

LARGEST_SEED = 2**31 - 1  # what all generators take, with a few after it
T = TypeVar("T")


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

    Returns:
        The options.

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
