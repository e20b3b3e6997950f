"""The options of the discrete VAE, the same on the command lines of both hosts."""

from dataclasses import dataclass
from typing import NamedTuple

from examples.discrete_vae.estimators import ESTIMATORS, LAWS, check_estimator
from examples.harness.command_line import option
from examples.harness.run_options import RunOptions

HIDDEN_SIZES = {"linear": (), "512-256": (512, 256)}


class Sizes(NamedTuple):
    """The sizes of the networks.

    Args:
        num_pixels: Of an image.
        hidden: Of the layers between an image and the parameters of its code.
        parameters: The variables of a code, and the parameters of the law of each:
            its logits, or the locations of its Gaussians and, unless the estimator
            fixes them, their log scales.
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
        choices=LAWS,
    )
    estimator: str = option(
        "of the gradient: what objective, and with what samples",
        default="analytic-kl",
        choices=tuple(ESTIMATORS),
    )
    num_samples: int = option(
        "codes drawn for each image in a training step", "-s", default=1, at_least=1
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
        check_estimator(
            self.estimator,
            self.law,
            self.num_samples,
            self.num_variables,
            self.num_categories,
        )

    def sizes(self, num_pixels: int) -> Sizes:
        """The sizes of the networks for images of that size."""
        k = self.num_categories
        is_fixed = ESTIMATORS[self.estimator].fixed_scale
        num_parameters = (k - 1) * (1 if is_fixed else 2)
        if self.law == "gumbel-softmax":
            num_parameters = k
        return Sizes(
            num_pixels,
            HIDDEN_SIZES[self.architecture],
            (self.num_variables, num_parameters),
            (self.num_variables, k),
        )
