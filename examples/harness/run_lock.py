"""A lock that a run has on its checkpoint; it ends with the run, however that ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from examples.harness.checkpoint import CheckpointError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have a checkpoint for oneself.

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
