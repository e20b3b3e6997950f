"""Lines of JSON that runs append to a file, each complete, and one per run."""

import fcntl
import json
import math
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from examples.harness import command_line

Line = dict[str, Any]


def read_lines(path: Path) -> list[Line]:
    """The lines of a file, none if it is not there; what a crash cut off is no line.

    ValueError if it is a folder, or has other lines than objects of JSON.
    """
    if path.is_dir():
        raise ValueError(f"{path}: expected a file of lines of JSON, got a folder")
    return _parse(path, path.read_bytes()) if path.exists() else []


def read_runs(path: Path) -> list[Line]:
    """The lines of a file, ValueError if one is not of a run, but of a timing say."""
    return _of(path, "member", "runs")


def read_timings(path: Path) -> list[Line]:
    """The lines of a file, ValueError if one is not of a timing."""
    return _of(path, "timing", "timings")


def _of(path: Path, key: str, kind: str) -> list[Line]:
    lines = read_lines(path)
    if not all(isinstance(line.get(key), dict) for line in lines):
        raise ValueError(f"{path}: expected lines of {kind} alone")
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
        present = [line[key] for line in _parse(path, content)]
        new = [json.dumps(line) for line in lines if line[key] not in present]
        number = len(present) + len(new)
        file.truncate(content.rfind(b"\n") + 1)
        file.write("".join(f"{line}\n" for line in new).encode())
        file.flush()
        os.fsync(file.fileno())
        command_line.saved = f"{path} has the results up to line {number}"


def digest(known_by: Any) -> str:
    """A word for what a line is known by, or several lines, in the names of files."""
    return sha256(json.dumps(known_by).encode()).hexdigest()[:16]


def score_of(line: Line, name: str) -> float:
    """A score of a run to choose by; one that is not finite is below all others."""
    score = line["scores"][name]
    return score if math.isfinite(score) else -math.inf


def _parse(path: Path, content: bytes) -> list[Line]:
    *whole, rest = content.split(b"\n")
    if not rest.startswith(b"{"[: len(rest)]):
        raise ValueError(f"{path}: expected lines of JSON")
    return [_object(path, number, text) for number, text in enumerate(whole, 1)]


def _object(path: Path, number: int, text: bytes) -> Line:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: expected an object of JSON in line {number}")
    return found
