"""The options of the mixture VAE, the same on the command lines of both hosts."""

from dataclasses import dataclass, replace

from examples.harness.command_line import POSITIVE, SHARE, at_least, option
from examples.harness.run import RunOptions, free
from examples.images.datasets import DATASETS

TRUNCATIONS = (7, 9, 11, 13, 15, 17)


@dataclass(frozen=True, kw_only=True)
class MixtureOptions(RunOptions):
    """Model and training."""

    num_epochs: int = free(
        "passes over the training images", 100, "-n", where=at_least(1)
    )
    dataset: str = option("data set of images", "digits", choices=DATASETS)
    family: str = option(
        "family of the weights: infinite IGR sticks, or DLDPMM's Kumaraswamy sticks",
        "igr-sb",
        choices=("igr-sb", "dldpmm"),
    )
    assignment: str = option(
        "what assigns images to components: the encoder, with one set of weights for "
        "all images, or weights of each image's own",
        "encoder",
        choices=("encoder", "weights"),
    )
    capacity: int = option(
        "number of components that igr-sb starts with, without the rest",
        20,
        where=at_least(1),
    )
    truncation: int = option(
        "number of components of dldpmm", 15, "-k", choices=TRUNCATIONS
    )
    concentration: float = option(
        "concentration of the Dirichlet process, or its prior mean if learned",
        1.0,
        where=POSITIVE,
    )
    learn_concentration: bool = option(
        "infer the concentration, with a Gamma prior",
        default=False,
        action="store_true",
    )
    rho: float = option(
        "share of the weights that the components must cover", 0.99, where=SHARE
    )
    max_overflow: float = option(
        "add components if more than this share of samples of the weights need them",
        0.01,
        where=SHARE,
    )
    revise_from: int = option(
        "first epoch after which components are deleted, merged and split if that "
        "improves the bound of validation images (igr-sb by encoder); 0 for never",
        20,
        where=at_least(0),
    )
    revise_every: int = option(
        "number of epochs between such revisions", 10, where=at_least(1)
    )
    latent_dim: int = option(
        "dimension of the code of an image", 50, "-z", where=at_least(1)
    )
    encoder: tuple[int, ...] = option(
        "sizes of the encoder's hidden layers", (200, 200, 200), where=at_least(1)
    )
    decoder: tuple[int, ...] = option(
        "sizes of the decoder's hidden layers; none for a linear one",
        (200, 200),
        type=int,
        nargs="*",
        where=at_least(1),
    )
    spread: float = option(
        "standard deviation of the initial component means", 0.45, where=POSITIVE
    )

    def judges_after(self, num_epochs: int) -> bool:
        """Whether components are judged after so many epochs."""
        if not self.revise_from or self.family != "igr-sb" or self.has_own_weights:
            return False
        since = num_epochs - self.revise_from
        return since >= 0 and since % self.revise_every == 0

    def splits_after(self, num_epochs: int) -> bool:
        """Whether components are split then: if they can be deleted later on."""
        is_last = num_epochs + self.revise_every > self.num_epochs
        return self.judges_after(num_epochs) and not is_last

    def check_continues(self, epochs_done: int, num_epochs: int) -> None:
        planned = replace(self, num_epochs=num_epochs)
        ours, theirs = (
            [e for e in range(1, epochs_done + 1) if options.splits_after(e)]
            for options in (self, planned)
        )
        if epochs_done < self.num_epochs and ours != theirs:
            raise ValueError(
                f"{self.checkpoint}: of another run: num_epochs is {num_epochs} there "
                f"and {self.num_epochs} here, and components are split in all rounds "
                "of a run but the last"
            )

    def of_model(self) -> "MixtureOptions":
        """The options that the model depends on, all others at their defaults.

        Equal ones are for the same compiled functions.
        """
        names = "family", "assignment", "capacity", "truncation", "concentration"
        names += "latent_dim", "encoder", "decoder", "spread"
        return MixtureOptions(**{name: getattr(self, name) for name in names})

    @property
    def has_own_weights(self) -> bool:
        """Whether each image has weights of its own."""
        return self.assignment == "weights"

    @property
    def num_means(self) -> int:
        """The component means at the start."""
        return self.num_sticks + (self.family == "dldpmm")

    @property
    def num_sticks(self) -> int:
        """The sticks at the start."""
        return self.capacity if self.family == "igr-sb" else self.truncation - 1
