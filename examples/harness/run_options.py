"""The options that all runs on images share."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from examples.harness.command_line import LARGEST_SEED, check_ranges, option
from examples.images.datasets import DATASETS


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
