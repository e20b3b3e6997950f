"""How a run keeps itself in a checkpoint, and continues from it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from examples.harness.checkpoint import (
    CheckpointError,
    load_checkpoint,
    remove_partial_files,
    save_checkpoint,
)
from examples.harness.progress import Progress, join_progress, split_progress
from examples.harness.run_lock import locked
from examples.harness.run_options import RunOptions

T = TypeVar("T")


@dataclass
class Kept:
    """A run, and what its checkpoint had of it.

    Args:
        options: Of the run; they name the checkpoint.
        configuration: What its course depends on, by name.
        epochs_done: The epochs to continue from.
        packed: What was saved after them, if anything.
    """

    options: RunOptions
    configuration: dict[str, Any]
    epochs_done: int = 0
    packed: bytes | None = None

    @property
    def num_epochs(self) -> int:
        """The epochs in the end: no fewer than there were."""
        return max(self.epochs_done, self.options.num_epochs)

    def read(self) -> None:
        """Read what was saved last.

        Raises:
            FileNotFoundError: If there is no checkpoint to continue from.
            ValueError: If it is not whole, or of another run.
        """
        path = self.options.checkpoint
        payload = load_checkpoint(path, self.configuration)
        with _reading(path):
            progress, self.packed = split_progress(payload)
        self.options.check_continues(*progress)
        self.epochs_done = progress.epochs_done

    def restore(self, unpack: Callable[[bytes], T], fresh: T) -> T:
        """What was saved, or the fresh one if nothing was.

        Args:
            unpack: Makes it of what was packed.
            fresh: What to start with otherwise.

        Raises:
            CheckpointError: If it is of another kind.
        """
        if self.packed is None:
            return fresh
        with _reading(self.options.checkpoint):
            return unpack(self.packed)

    def save_if_due(self, epochs_done: int, pack: Callable[[], bytes]) -> None:
        """Write a checkpoint, at the intervals that were asked for and at the end.

        Args:
            epochs_done: The epochs so far.
            pack: Returns what to save.

        Raises:
            OSError: If it could not be written; a previous checkpoint is still there.
        """
        options, done = self.options, epochs_done == self.options.num_epochs
        due = done or epochs_done % options.checkpoint_every == 0
        if options.checkpoint is not None and due:
            payload = join_progress(Progress(epochs_done, options.num_epochs), pack())
            save_checkpoint(options.checkpoint, self.configuration, payload)


@contextmanager
def keeping(
    options: RunOptions, host: str, surroundings: dict[str, str]
) -> Iterator[Kept]:
    """Have the checkpoint of a run, if it has one, while it trains.

    Args:
        options: Of the run; they name the checkpoint.
        host: The name of the host.
        surroundings: What else the course of the run depends on, by name.

    Raises:
        OSError: If there is no checkpoint to continue from, or it cannot be written.
        ValueError: If another run has it, if it is there and not to be continued, or
            if it is not whole, or of another run.
    """
    path = options.checkpoint
    kept = Kept(options, options.configuration(host) | surroundings)
    if path is None:
        yield kept
        return
    with locked(path):
        remove_partial_files(path)
        if options.resume:
            kept.read()
        elif path.exists():
            raise CheckpointError(
                f"{path}: exists already; continue it with --resume, or name another "
                "file with --checkpoint"
            )
        yield kept


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each host has its own
        what, _, _ = f"{type(error).__name__}: {error}".partition("\n")
        raise CheckpointError(
            f"{path}: whole, but not with what this program saves: {what}"
        ) from error
