"""Runs on images: their options, how they continue, and what they print."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from examples.harness.checkpoint import (
    CheckpointError,
    load_checkpoint,
    locked,
    read_checkpoint,
    save_checkpoint,
)
from examples.harness.command_line import (
    LARGEST_SEED,
    check_ranges,
    make_folder,
    option,
    parse_options,
    say_when_interrupted,
)
from examples.images.datasets import DATASETS

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What to train on and how long; each field is a flag of the command line.

    Raises:
        ValueError: If a value is out of its range, or if two of them do not agree.
    """

    num_epochs: int = option(
        "passes over the training images", "-n", default=200, at_least=1, tracked=False
    )
    learning_rate: float = option(
        "step size of Adam", "-lr", default=3e-3, positive=True
    )
    batch_size: int = option("images in a training step", "-b", default=100, at_least=1)
    seed: int = option(
        "of the first parameters, the shuffling and the noise",
        default=0,
        at_least=0,
        at_most=LARGEST_SEED,
    )
    dataset: str = option("images to learn", default="digits", choices=DATASETS)
    data_dir: Path | None = option(
        "folder with the files of the data set, instead of a download",
        default=None,
        type=Path,
        tracked=False,
    )
    device: str | None = option(
        "torch device, or JAX platform; the host's own choice if it is not given",
        default=None,
        type=str,
        tracked=False,
    )
    checkpoint: Path | None = option(
        "file to keep the run in; an existing one is only continued, by --resume",
        default=None,
        type=Path,
        tracked=False,
    )
    checkpoint_every: int = option(
        "epochs from one checkpoint to the next", default=1, at_least=1, tracked=False
    )
    resume: bool = option(
        "continue from the checkpoint",
        default=False,
        action="store_true",
        tracked=False,
    )
    num_importance_samples: int = option(
        "codes for each test image, to estimate its log-likelihood",
        default=1000,
        at_least=2,
        tracked=False,
    )
    figures: Path | None = option(
        "folder to draw figures in", default=None, type=Path, tracked=False
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.resume and self.checkpoint is None:
            raise ValueError("expected --checkpoint with --resume: what to continue")

    def configuration(self, host: str) -> dict[str, Any]:
        """The options that the course of the training depends on, as JSON has them."""
        tracked = {o.name for o in fields(self) if o.metadata["tracked"]}
        values = {name: v for name, v in asdict(self).items() if name in tracked}
        lists = {name: [*v] for name, v in values.items() if isinstance(v, tuple)}
        return {"host": host} | values | lists

    def check_continues(self, epochs_done: int, num_epochs: int) -> None:
        """Check that so many epochs of another run are the first ones of this too.

        Args:
            epochs_done: The epochs.
            num_epochs: Those that the other run was to have; the options agree in
                all else that the course of the training depends on.

        Raises:
            ValueError: If they are not.
        """


class Progress(NamedTuple):
    """How far a run is: the epochs that it has, and those that it is to have."""

    epochs_done: int
    num_epochs: int


def join_progress(progress: Progress, packed: bytes) -> bytes:
    """The payload of a checkpoint: how far the run is, then what its host packs."""
    return json.dumps(progress).encode() + b"\n" + packed


def split_progress(payload: bytes) -> tuple[Progress, bytes]:
    """What it was made of."""
    progress, _, packed = payload.partition(b"\n")
    return Progress(*map(int, json.loads(progress))), packed


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

    def restore(self, unpack: Callable[[bytes], T], fresh: T) -> T:
        """What was saved and is unpacked, or the fresh one if nothing was.

        Raises:
            CheckpointError: If it is of another kind.
        """
        if self.packed is None:
            return fresh
        with _reading(self.options.checkpoint):
            return unpack(self.packed)

    def save_if_due(self, epochs_done: int, pack: Callable[[], bytes]) -> None:
        """Write a checkpoint, at the intervals that were asked for and at the end.

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
        if options.resume:
            payload = load_checkpoint(path, kept.configuration)
            with _reading(path):
                progress, kept.packed = split_progress(payload)
            options.check_continues(*progress)
            kept.epochs_done = progress.epochs_done
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


def what_is_saved(path: Path | None) -> str:
    """What the checkpoint of a run has, for one who stops it."""
    if path is None:
        return "nothing is saved, for want of --checkpoint"
    try:
        _, payload = read_checkpoint(path)
        progress, _ = split_progress(payload)
    except (OSError, ValueError, TypeError):
        return f"nothing is saved in {path}"
    return f"{path} has the run up to epoch {progress.epochs_done}, for --resume"


class LogLikelihood(NamedTuple):
    """An importance-weighted bound on a log-likelihood, in nats per image.

    Args:
        mean: Over the images.
        standard_error: Of that mean, from the spread over the images.
    """

    mean: float
    standard_error: float

    @classmethod
    def from_bounds(cls, bounds: NDArray[np.floating]) -> "LogLikelihood":
        """The summary of the bounds of some images."""
        error = bounds.std(ddof=1) / math.sqrt(len(bounds))
        return cls(float(bounds.mean()), float(error))


def run(
    of: type[RunOptions],
    train: Callable[[Any], T],
    report: Callable[[Any, T], str],
    description: str,
    figures: str,
    arguments: Sequence[str] | None = None,
    **defaults: Any,
) -> None:
    """Train as the command line says and print what came of it.

    Args:
        of: The dataclass of the options.
        train: What to run.
        report: How to print its result.
        description: What it is, for the help.
        figures: The default folder of the figures.
        arguments: The command line; that of the process if `None`.
        defaults: Values to use instead of the options' own defaults.

    Raises:
        SystemExit: With a message, if an option, a file or the device is of no use.
    """
    defaults |= {"figures": Path(figures)}
    options = parse_options(of, description, arguments, **defaults)
    say_when_interrupted(lambda: what_is_saved(options.checkpoint))
    try:
        make_folder(options.figures)
        print(report(options, train(options)))
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error
