"""The options of the discrete VAE, the same on the command lines of both hosts."""

from dataclasses import dataclass
from typing import NamedTuple

from command_line import option
from run_options import RunOptions

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
class Options(RunOptions):
    """What to train and how; each field is a flag of the command line.

    Raises:
        ValueError: If a value is out of its range, or if two of them do not agree.
    """

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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kl == "categorical" and self.law != "gumbel-softmax":
            raise ValueError(
                "expected --law gumbel-softmax with --kl categorical, "
                f"got --law {self.law}"
            )

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
