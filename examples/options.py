"""The options of the discrete VAE, the same on the command lines of both hosts."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from command_line import check_ranges, option
from datasets import DATASETS

HIDDEN_SIZES = {"linear": (), "512-256": (512, 256)}


class Sizes(NamedTuple):
    """The sizes of the networks.

    Args:
        num_pixels: Of an image.
        hidden: Of the layers between an image and the parameters of its code.
        parameters: The variables of a code, and the parameters of the law of each:
            its logits, or the locations and the log scales of its Gaussians.
        code: The variables of a code, and the categories of each.
    """

    num_pixels: int
    hidden: tuple[int, ...]
    parameters: tuple[int, int]
    code: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to train and how; each field is a flag of the command line.

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
        "of the first parameters, the shuffling and the noise", default=0, at_least=0
    )
    dataset: str = option("images to learn", default="digits", choices=DATASETS)
    data_dir: Path | None = option(
        "folder with the files of the data set, instead of a download",
        default=None,
        type=Path,
        tracked=False,
    )
    device: str | None = option(
        "torch device or JAX platform", default=None, type=str, tracked=False
    )
    law: str = option(
        "family of the relaxed codes",
        default="igr",
        choices=("igr", "igr-sb", "gumbel-softmax"),
    )
    kl: str = option(
        "KL of the objective: between the relaxed laws, or the categorical ones",
        default="relaxed",
        choices=("relaxed", "categorical"),
    )
    temperature: float = option("of the relaxed codes", default=0.25, positive=True)
    architecture: str = option(
        "layers of the encoder, which the decoder mirrors",
        default="linear",
        choices=tuple(HIDDEN_SIZES),
    )
    num_variables: int = option("variables of a code", default=20, at_least=1)
    num_categories: int = option("categories of each", default=10, at_least=2)
    checkpoint: Path | None = option(
        "file to keep the run in", default=None, type=Path, tracked=False
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
        if self.kl == "categorical" and self.law != "gumbel-softmax":
            raise ValueError(
                "expected --law gumbel-softmax with --kl categorical, "
                f"got --law {self.law}"
            )
        if self.resume and self.checkpoint is None:
            raise ValueError("expected --checkpoint with --resume: what to continue")

    def sizes(self, num_pixels: int) -> Sizes:
        """The sizes of the networks for images of that size."""
        k = self.num_categories
        num_parameters = k if self.law == "gumbel-softmax" else 2 * (k - 1)
        return Sizes(
            num_pixels,
            HIDDEN_SIZES[self.architecture],
            (self.num_variables, num_parameters),
            (self.num_variables, k),
        )

    def configuration(self, host: str) -> dict[str, Any]:
        """The options that the course of the training depends on."""
        tracked = {o.name for o in fields(self) if o.metadata["tracked"]}
        values = asdict(self).items()
        return {"host": host} | {name: v for name, v in values if name in tracked}
