"""The options of the discrete VAE, the same on the command lines of both hosts."""

from dataclasses import dataclass
from typing import NamedTuple

from examples.harness.command_line import POSITIVE, at_least, option
from examples.harness.run import RunOptions, free
from examples.images.datasets import PIXELS as BINARY

HIDDEN_SIZES = {"linear": (), "512-256": (512, 256)}
IGR_FAMILIES = "igr", "igr-sb"
UNMATCHED = "igr-planar", "igr-sb-eq18"  # of no discrete distribution that is given
FAMILIES = *IGR_FAMILIES, *UNMATCHED, "igr-eq14", "gumbel-softmax"
MOST_CODES = 1000
NUM_AVERAGED = 10  # of the gradients of "rao-blackwell"
DECAYS = "none", "cosine", "average"
PIXELS = *BINARY, "gray"
FIRST_VARIANCE = 0.1  # of gray pixels; MNIST's have 0.095


class Estimator(NamedTuple):
    """What an estimator trains.

    Args:
        objective: What its loss is, for the report.
        families: Those of the codes that it applies to: to score the discrete
            distribution of `UNMATCHED`, in training, has no gradient or takes long.
        fixed_scale: Whether the Gaussians of IGR have scale 1. Where only the discrete
            distribution of a code is scored, loc / scale alone counts: a free scale
            would be useless, or worse, shrink until the code has no noise.
        is_discrete: Whether it trains the discretized model and guide.
        least_samples: The fewest codes for an image that it can do with.
    """

    objective: str
    families: tuple[str, ...] = (*IGR_FAMILIES, "gumbel-softmax")
    fixed_scale: bool = True
    is_discrete: bool = False
    least_samples: int = 1


RELAXED = "relaxed codes (ELBO)"
ONE_HOT = "one-hot codes (ELBO)"
WEIGHTED = "one-hot codes, importance weights (bound)"

ESTIMATORS = {
    "analytic-kl": Estimator(RELAXED, FAMILIES[:-1], fixed_scale=False),
    "analytic-kl-unit": Estimator(RELAXED, IGR_FAMILIES),
    "monte-carlo-kl": Estimator(RELAXED, ("gumbel-softmax",)),
    "stl": Estimator(RELAXED, FAMILIES, fixed_scale=False),
    "discrete-kl": Estimator(
        "relaxed codes, discrete KL (not a bound)",
        (*IGR_FAMILIES, "igr-eq14", "gumbel-softmax"),
    ),
    "discrete-iwae": Estimator(
        "relaxed codes, importance weights (not a bound)", least_samples=2
    ),
    "discrete-iwae-dr": Estimator(
        "relaxed codes, importance weights (not a bound)", least_samples=2
    ),
    "straight-through": Estimator(ONE_HOT),
    "reinmax": Estimator(ONE_HOT, ("gumbel-softmax",)),
    "reinmax-iwae": Estimator(
        WEIGHTED,
        ("gumbel-softmax",),
        least_samples=2,
    ),
    "rao-blackwell": Estimator(ONE_HOT),
    "relax": Estimator(ONE_HOT),
    "rebar": Estimator(ONE_HOT),
    "unordered-set": Estimator(ONE_HOT, is_discrete=True, least_samples=2),
    "leave-one-out": Estimator(ONE_HOT, is_discrete=True, least_samples=2),
    "vimco": Estimator(WEIGHTED, is_discrete=True, least_samples=2),
    "exact": Estimator(ONE_HOT, is_discrete=True),
}


def check_estimator(
    estimator: str,
    family: str,
    num_samples: int,
    num_variables: int,
    num_categories: int,
) -> None:
    """Check that an estimator can train such codes.

    Args:
        estimator: One of `ESTIMATORS`.
        family: Of the codes.
        num_samples: The codes for an image in a step.
        num_variables: The variables of a code.
        num_categories: The categories of each.

    Raises:
        ValueError: If it cannot, with the reason.
    """
    chosen = ESTIMATORS[estimator]
    if family not in chosen.families:
        applicable = ", ".join(n for n, e in ESTIMATORS.items() if family in e.families)
        raise ValueError(
            f"expected an --estimator for --family {family}, that is one of "
            f"{applicable}; got {estimator}"
        )
    if num_samples < chosen.least_samples:
        raise ValueError(
            f"expected --num-samples to be at least {chosen.least_samples} with "
            f"--estimator {estimator}, got {num_samples}"
        )
    if estimator == "exact" and num_categories**num_variables > MOST_CODES:
        raise ValueError(
            f"expected at most {MOST_CODES} codes to enumerate with --estimator exact, "
            f"got {num_categories}^{num_variables} of them"
        )


class Sizes(NamedTuple):
    """The sizes of the networks, and what pixels they decode to.

    Args:
        num_pixels: Of an image.
        hidden: Of the layers between an image and the parameters of its code.
        parameters: The variables of a code, and the parameters of each:
            its logits, or the locations of its Gaussians and, unless the estimator
            fixes them, their log scales.
        code: The variables of a code, and the categories of each.
        is_gray: Whether pixels are Gaussian, and not binary.
    """

    num_pixels: int
    hidden: tuple[int, ...]
    parameters: tuple[int, int]
    code: tuple[int, int]
    is_gray: bool


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """Model and training."""

    num_epochs: int = free(
        "passes over the training images", 40, "-n", where=at_least(1)
    )
    learning_rate: float = option("step size of Adam", 5e-3, "-lr", where=POSITIVE)
    pixels: str = option(
        "pixels: thresholded at one half, sampled once by their gray values, or gray "
        "values with a Gaussian decoder, which has one learned variance",
        PIXELS[0],
        choices=PIXELS,
    )
    family: str = option(
        "family of the relaxed codes; igr-planar learns two planar layers; igr-sb-eq18 "
        "has the sticks of the paper, which never choose the last category; igr-eq14 "
        "is IGR with a prior that makes the mean of relaxed codes uniform, as eq. 14 "
        "intends, and not the discrete distribution",
        "igr",
        choices=FAMILIES,
    )
    estimator: str = option(
        "estimator of the gradient: the objective and its kind of samples",
        "discrete-kl",
        choices=tuple(ESTIMATORS),
    )
    num_samples: int = option(
        "codes sampled per image in a training step", 1, "-s", where=at_least(1)
    )
    temperature: float = option("temperature of the relaxed codes", 0.4, where=POSITIVE)
    decay: str = option(
        "what lessens the noise of the last steps: a step size that falls to zero by a "
        "cosine, epoch by epoch, or an average of the parameters after each epoch of "
        "the last third",
        "average",
        choices=DECAYS,
    )
    architecture: str = option(
        "hidden layers of the encoder; the decoder has them in reverse",
        "linear",
        choices=tuple(HIDDEN_SIZES),
    )
    num_variables: int = option(
        "number of categorical variables of a code", 20, where=at_least(1)
    )
    num_categories: int = option(
        "number of categories of each variable", 10, where=at_least(2)
    )
    data_parallel: bool = free(
        "split batches among JAX's devices; torchrun splits them among its workers",
        default=False,
        action="store_true",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_estimator(
            self.estimator,
            self.family,
            self.num_samples,
            self.num_variables,
            self.num_categories,
        )

    def check_continues(self, epochs_done: int, num_epochs: int) -> None:
        if self.decay != "none" and epochs_done < self.num_epochs != num_epochs:
            raise ValueError(
                f"{self.checkpoint}: of another run: num_epochs is {num_epochs} there "
                f"and {self.num_epochs} here, on which --decay {self.decay} depends"
            )

    def num_averaged(self, epochs_done: int) -> int:
        """The last epochs by then whose parameters are averaged; 1 for no average."""
        if self.decay != "average":
            return 1
        return max(1, epochs_done - self.num_epochs * 2 // 3)

    def sizes(self, num_pixels: int) -> Sizes:
        """The sizes of the networks for images of that size."""
        k = self.num_categories
        is_fixed = ESTIMATORS[self.estimator].fixed_scale
        num_parameters = (k - 1) * (1 if is_fixed else 2)
        if self.family == "gumbel-softmax":
            num_parameters = k
        return Sizes(
            num_pixels,
            HIDDEN_SIZES[self.architecture],
            (self.num_variables, num_parameters),
            (self.num_variables, k),
            self.pixels == "gray",
        )
