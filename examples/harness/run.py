"""Runs on images: their options, their checkpoints, and how they end.

A checkpoint is a file of one run, which is replaced atomically and verified when read:
the SHA-256 digest of the rest, a line of JSON, and the state that the host packed.
"""

import fcntl
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from examples.harness import command_line
from examples.harness.command_line import (
    POSITIVE,
    SEED,
    FigureOptions,
    Parser,
    at_least,
    make_folder,
    option,
)
from examples.images.datasets import DATASETS, EMBEDDED, PIXELS

T = TypeVar("T")
free = partial(option, tracked=False)


@dataclass(frozen=True, kw_only=True)
class RunOptions(FigureOptions):
    """Data, length of training, and checkpoints."""

    num_epochs: int = free(
        "passes over the training images", 200, "-n", where=at_least(1)
    )
    learning_rate: float = option("step size of Adam", 3e-3, "-lr", where=POSITIVE)
    batch_size: int = option("training images per step", 100, "-b", where=at_least(1))
    seed: int = option("seed of initial parameters, shuffling and noise", 0, where=SEED)
    dataset: str = option(
        f"data set; {' and '.join(EMBEDDED)} need no download",
        DATASETS[0],
        choices=DATASETS,
    )
    pixels: str = option(
        "pixels: thresholded at one half, or sampled once by their gray values",
        PIXELS[0],
        choices=PIXELS,
    )
    data_dir: Path | None = free(
        "folder with the files of the data set, instead of a download", None, type=Path
    )
    device: str | None = free(
        "torch device or JAX platform, for example cpu or cuda", None, type=str
    )
    checkpoint: Path | None = free(
        "file to save the run in, so that it can be resumed", None, type=Path
    )
    checkpoint_every: int = free(
        "number of epochs between checkpoints", 1, where=at_least(1)
    )
    resume: bool = free(
        "continue the run of the checkpoint", default=False, action="store_true"
    )
    num_importance_samples: int = free(
        "samples per test image for the estimate of its log-likelihood",
        1000,
        where=at_least(2),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resume and self.checkpoint is None:
            raise ValueError("expected --checkpoint with --resume: what to continue")

    @property
    def images(self) -> str:
        """The data set, and what its pixels are unless that is the default."""
        of_pixels = "" if self.pixels == PIXELS[0] else f", {self.pixels} pixels"
        return self.dataset + of_pixels

    def configuration(self) -> dict[str, Any]:
        """The options that the course of the training depends on, as JSON has them."""
        tracked = [o.name for o in fields(self) if o.metadata["tracked"]]
        return json.loads(json.dumps({name: getattr(self, name) for name in tracked}))

    def check_continues(self, epochs_done: int, num_epochs: int) -> None:
        """ValueError if a run of another length would have done other epochs so far."""


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
    make_folder(path.parent, "--checkpoint")
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
                "another file"
            )
        try:
            yield
        finally:
            _partial(path).unlink(missing_ok=True)  # of a write that did not end
            lock.unlink()


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


@dataclass
class Kept:
    """A run, what its course depends on, and the epochs that its checkpoint has."""

    options: RunOptions
    configuration: dict[str, Any]
    epochs_done: int = 0
    packed: bytes | None = None

    @property
    def num_epochs(self) -> int:
        """The epochs in the end: no fewer than there were."""
        return max(self.epochs_done, self.options.num_epochs)

    def restore(self, unpack: Callable[[bytes], T], fresh: T) -> T:
        """What was saved and is unpacked, or the fresh one if nothing was."""
        if self.packed is None:
            return fresh
        try:
            return unpack(self.packed)
        except Exception as error:  # each host has its own
            what, _, _ = f"{type(error).__name__}: {error}".partition("\n")
            where = f"{self.options.checkpoint}: whole, but not with what this program"
            raise CheckpointError(f"{where} saves: {what}") from error

    def save_if_due(self, epochs_done: int, pack: Callable[[], bytes]) -> None:
        """Write a checkpoint, at the intervals that were asked for and at the end."""
        path, num_epochs = self.options.checkpoint, self.options.num_epochs
        is_due = epochs_done % self.options.checkpoint_every == 0
        if path and (is_due or epochs_done == num_epochs):
            packed = pack()
            with command_line.uninterrupted:
                save(path, [self.configuration, epochs_done, num_epochs], packed)
                _say_saved(path, epochs_done)


@contextmanager
def keeping(options: RunOptions, surroundings: dict[str, str]) -> Iterator[Kept]:
    """Have the checkpoint of a run, if it has one, while it trains.

    Its course depends on the surroundings, host and device say, too. A ValueError says
    that the checkpoint is another run's, not whole, or there and not to be continued.
    """
    path = options.checkpoint
    kept = Kept(options, options.configuration() | surroundings)
    with locked(path) if path else nullcontext():
        if options.resume:
            (found, *epochs), kept.packed = load(path)
            _compare(path, found, kept.configuration)
            options.check_continues(*epochs)
            kept.epochs_done = epochs[0]
            _say_saved(path, kept.epochs_done)
        elif path and path.exists():
            what = "continue it with --resume, or name another file with --checkpoint"
            raise CheckpointError(f"{path}: exists already; {what}")
        yield kept


def _say_saved(path: Path, epochs_done: int) -> None:
    has = f"has the run up to epoch {epochs_done}, for {command_line.again}"
    command_line.saved = f"{path} {has}"


def _compare(path: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    differences = [
        f"{name} is {there.get(name)!r} there and {here.get(name)!r} here"
        for name in {**here, **there}
        if there.get(name) != here.get(name)
    ]
    if differences:
        raise CheckpointError(f"{path}: of another run: {', '.join(differences)}")


class LogLikelihood(NamedTuple):
    """An importance-weighted bound on the log-likelihood, in nats per image."""

    mean: float
    standard_error: float

    @classmethod
    def from_bounds(cls, bounds: NDArray[np.floating]) -> "LogLikelihood":
        """The summary of the bounds of some images."""
        return cls(float(bounds.mean()), bounds.std(ddof=1) / math.sqrt(len(bounds)))


def run(
    kind: type[RunOptions],
    train: Callable[[Any], T],
    report: Callable[[Any, T], str],
    description: str,
    figures: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Train as the command line says, draw in a folder, and print what came of it."""
    options = kind.parse(description, arguments)
    if options.resume:
        command_line.saved = f"{options.checkpoint} is as it was"
    try:
        options = options.in_folder(figures)
        print(report(options, train(options)))
    except (OSError, ValueError) as error:
        Parser(description).error(str(error))
