"""Checkpoint files: of one run alone, replaced in one step, verified when read.

A file is a line with the format, a line with the SHA-256 digest of what follows, a
line with the configuration as JSON, and a payload of bytes.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from examples.harness.command_line import uninterrupted

FORMAT = b"igr-checkpoint-2"


class CheckpointError(ValueError):
    """A checkpoint that is not whole, or not of the run that asks for it."""


def save_checkpoint(path: Path, configuration: dict[str, Any], payload: bytes) -> None:
    """Write a checkpoint, which replaces a previous one only when it is complete.

    Args:
        path: The file; its folder is created if need be.
        configuration: What the payload belongs to, as values that JSON can hold.
        payload: The bytes to keep.

    Raises:
        OSError: If it could not be written; a previous checkpoint is still there.
    """
    body = json.dumps(configuration).encode() + b"\n" + payload
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    with uninterrupted:
        try:
            with partial.open("xb") as file:
                file.write(b"\n".join([FORMAT, _digest(body), body]))
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def load_checkpoint(path: Path, configuration: dict[str, Any]) -> bytes:
    """Read the payload of a checkpoint that belongs to this configuration.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is truncated, corrupt or something else, or if
            it is of another configuration.
    """
    found, payload = read_checkpoint(path)
    differences = [
        f"{name} is {found.get(name)!r} there and {configuration.get(name)!r} here"
        for name in {**configuration, **found}
        if found.get(name) != configuration.get(name)
    ]
    if differences:
        raise CheckpointError(f"{path}: of another run: {', '.join(differences)}")
    return payload


def read_checkpoint(path: Path) -> tuple[dict[str, Any], bytes]:
    """Read the configuration and the payload of a checkpoint.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is truncated, corrupt or something else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    tag, _, rest = path.read_bytes().partition(b"\n")
    digest, _, body = rest.partition(b"\n")
    if tag != FORMAT:
        raise CheckpointError(f"{path}: not a checkpoint of format {FORMAT.decode()}")
    if digest != _digest(body):
        raise CheckpointError(f"{path}: truncated or corrupt, its digest differs")
    configuration, _, payload = body.partition(b"\n")
    try:
        return dict(json.loads(configuration)), payload
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: whole, but without a configuration") from error


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have a checkpoint for oneself; the lock ends with the run, however that ends.

    Removes what was left by runs that were killed while they wrote the checkpoint.

    Args:
        path: The file; its folder is created if need be. Beside it is an empty file
            for the lock, which is removed in the end.

    Raises:
        OSError: If the lock cannot be written.
        CheckpointError: If another run has the checkpoint.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    with _lock(path, lock):
        partial = f"{escape(path.name)}.{'[0-9a-f]' * 32}.partial"
        for left in path.parent.glob(partial):
            left.unlink()
        try:
            yield
        finally:
            lock.unlink()


def _lock(path: Path, lock: Path) -> IO[str]:
    while True:
        file = lock.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise CheckpointError(
                f"{path}: another run keeps itself there; wait until it ends, or name "
                "another file with --checkpoint"
            ) from error
        if lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat()):
            return file
        file.close()  # the run that had it has just removed it
