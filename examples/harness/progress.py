"""How far a run is, in its checkpoint before what its host packs."""

import json
from typing import NamedTuple

from examples.harness.checkpoint import read_checkpoint
from examples.harness.run_options import RunOptions


class Progress(NamedTuple):
    """How far a run is: the epochs that it has, and those that it is to have."""

    epochs_done: int
    num_epochs: int


def join_progress(progress: Progress, packed: bytes) -> bytes:
    """The payload of a checkpoint."""
    return json.dumps(progress).encode() + b"\n" + packed


def split_progress(payload: bytes) -> tuple[Progress, bytes]:
    """What it was made of."""
    progress, _, packed = payload.partition(b"\n")
    return Progress(*map(int, json.loads(progress))), packed


def what_is_saved(options: RunOptions) -> str:
    """What the checkpoint of a run has, for one who stops it."""
    path = options.checkpoint
    if path is None:
        return "nothing is saved, for want of --checkpoint"
    try:
        _, payload = read_checkpoint(path)
        progress, _ = split_progress(payload)
    except (OSError, ValueError, TypeError):
        return f"nothing is saved in {path}"
    return f"{path} has the run up to epoch {progress.epochs_done}, for --resume"
