"""Checkpoint files: of one run alone, replaced in one step, verified when read.

A file is the SHA-256 digest of what follows, a line of JSON, and what the host packed.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any


class CheckpointError(ValueError):
    """A checkpoint that is not whole, or not of the run that asks for it."""


def save(path: Path, header: Any, packed: bytes) -> None:
    """Replace a previous checkpoint, but only by all of this one."""
    body = json.dumps(header).encode() + b"\n" + packed
    with _partial(path).open("wb") as file:
        file.write(sha256(body).digest() + body)
        file.flush()
        os.fsync(file.fileno())
    os.replace(_partial(path), path)


def load(path: Path) -> tuple[Any, bytes]:
    """Read a checkpoint; CheckpointError if the file is not a whole one."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    content = path.read_bytes()
    digest, body = content[:32], content[32:]
    if digest != sha256(body).digest():
        raise CheckpointError(f"{path}: truncated or corrupt, or not a checkpoint")
    header, _, packed = body.partition(b"\n")
    return json.loads(header), packed


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have a checkpoint for oneself; CheckpointError if another run has it.

    The lock, on an empty file beside it, ends with the run, however that ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_there = os.path.samestat(os.fstat(file.fileno()), lock.stat())
        except (BlockingIOError, FileNotFoundError):
            is_there = False  # or the run that had it has just removed it
        if not is_there:
            raise CheckpointError(
                f"{path}: another run keeps itself there; wait until it ends, or name "
                "another file with --checkpoint"
            )
        try:
            yield
        finally:
            _partial(path).unlink(missing_ok=True)  # of a write that did not end
            lock.unlink()


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")
