"""Checkpoint files: replaced in one step, and verified when they are read.

A file is a line with the format, a line with the SHA-256 digest of what follows, a
line with the configuration as JSON, and a payload of bytes.
"""

import hashlib
import json
import os
from glob import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

from examples.harness.interruption import uninterrupted

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


def remove_partial_files(path: Path) -> None:
    """Remove what was left by runs that were killed while they wrote a checkpoint."""
    for partial in path.parent.glob(f"{escape(path.name)}.{'[0-9a-f]' * 32}.partial"):
        partial.unlink()


def load_checkpoint(path: Path, configuration: dict[str, Any]) -> bytes:
    """Read the payload of a checkpoint.

    Args:
        path: The file.
        configuration: What the payload is expected to belong to.

    Returns:
        The payload.

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

    Args:
        path: The file.

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
    return _parse(path, configuration), payload


def _parse(path: Path, configuration: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(configuration))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: whole, but without a configuration") from error


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
