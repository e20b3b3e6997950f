"""Rows and numbers of tables in Markdown."""

import statistics
from collections.abc import Iterable, Sequence


def to_header(columns: Sequence[str]) -> str:
    """The first two lines of a table."""
    return to_row(columns) + "\n" + "|---" * len(columns) + "|"


def to_row(cells: Iterable[object]) -> str:
    """A line of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def with_spread(values: Sequence[float], digits: int = 2) -> str:
    """Mean and standard deviation, if there are values, and more than one."""
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{spread}"
