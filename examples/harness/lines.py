"""Lines of JSON that runs append to a file, each complete, and one per run."""

import fcntl
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from examples.harness import command_line

Line = dict[str, Any]


def read_lines(path: Path) -> list[Line]:
    """The lines of a file, none if it is not there; what a crash cut off is no line."""
    return _parse(path.read_bytes()) if path.exists() else []


def read_runs(path: Path) -> list[Line]:
    """The lines of a file, ValueError if one is not of a run, but of a timing say."""
    lines = read_lines(path)
    if any("member" not in line for line in lines):
        raise ValueError(f"{path}: expected lines of runs alone")
    return lines


def append_lines(path: Path, lines: Iterable[Line], key: str) -> None:
    """Append in one piece those lines that have another value at the key than any.

    Other programs may append to the file at the same time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with command_line.uninterrupted, path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        content = file.read()
        present = [line[key] for line in _parse(content)]
        new = [json.dumps(line) for line in lines if line[key] not in present]
        number = len(present) + len(new)
        file.truncate(content.rfind(b"\n") + 1)
        file.write("".join(f"{line}\n" for line in new).encode())
        file.flush()
        os.fsync(file.fileno())
        command_line.saved = f"{path} has the results up to line {number}"


def score_of(line: Line, name: str) -> float:
    """A score of a run to choose by; one that is not finite is below all others."""
    score = line["scores"][name]
    return score if math.isfinite(score) else -math.inf


def _parse(content: bytes) -> list[Line]:
    whole = content[: content.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]
