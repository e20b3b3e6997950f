"""The options of a grid of runs, some of which take several values."""

from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

from examples.discrete_vae.options import (
    DECAYS,
    PIXELS,
    UNMATCHED,
    Options,
    check_estimator,
)
from examples.harness.command_line import (
    POSITIVE,
    SEED,
    Flags,
    at_least,
    option,
    option_of,
)
from examples.images.datasets import DATASETS
from examples.study.recipes import Recipe


@dataclass(frozen=True, kw_only=True)
class GridOptions(Flags):
    """The grid (each combination of the first five options), and its results."""

    recipe: tuple[Recipe, ...] = option(
        "FAMILY/ESTIMATOR[/SAMPLES]: recipes to train",
        (Recipe("igr-sb", "discrete-kl"), Recipe("gumbel-softmax", "discrete-kl")),
        type=Recipe.parse,
        nargs="+",
    )
    temperature: tuple[float, ...] = option(
        "temperatures of the relaxed codes", (0.25, 0.5), where=POSITIVE
    )
    learning_rate: tuple[float, ...] = option(
        "initial step sizes of Adam", (1e-3, 3e-3), "-lr", where=POSITIVE
    )
    decay: tuple[str, ...] = option(
        "what lessens the noise of the last steps, as in the discrete VAE",
        ("none",),
        choices=DECAYS,
    )
    seed: tuple[int, ...] = option("seeds of the runs", (0, 1, 2), where=SEED)
    num_epochs: int = option(
        "passes over the training images", 30, "-n", where=at_least(1)
    )
    batch_size: int = option_of(Options, "batch_size")
    dataset: str = option("data set of images", DATASETS[0], choices=DATASETS)
    pixels: str = option("pixels, as in the discrete VAE", PIXELS[0], choices=PIXELS)
    data_dir: Path | None = option_of(Options, "data_dir")
    device: str | None = option("JAX platform, for example cpu or cuda", None, type=str)
    architecture: str = option_of(Options, "architecture")
    num_variables: int = option_of(Options, "num_variables")
    num_categories: int = option_of(Options, "num_categories")
    num_importance_samples: int = option(
        "codes per image for the estimate of its log-likelihood",
        1000,
        where=at_least(2),
    )
    num_validated: int = option(
        "largest number of validation images to score", 2000, where=at_least(1)
    )
    num_tested: int = option(
        "largest number of test images to score", 10000, where=at_least(1)
    )
    num_tenfold: int = option(
        "number of test images to score again with ten times as many codes",
        0,
        where=at_least(0),
    )
    num_followed: int = option(
        "number of images whose bounds are recorded each epoch, in runs with --test",
        0,
        where=at_least(0),
    )
    refit: int = option(
        "epochs of refitting the guide, for scores of the decoder alone",
        0,
        where=at_least(0),
    )
    test: bool = option("score test images as well", default=False, action="store_true")
    at_once: int = option(
        "largest number of runs to train at once, as memory allows",
        16,
        where=at_least(1),
    )
    checkpoint_every: int = option_of(Options, "checkpoint_every")
    results: Path = option(
        "file of the results, one line of JSON per run",
        Path("runs/grid.jsonl"),
        type=Path,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for recipe in self.recipe:
            family, estimator, number = recipe
            of_codes = number, self.num_variables, self.num_categories
            try:
                check_estimator(estimator, family, *of_codes)
            except ValueError as error:
                raise ValueError(f"--recipe {recipe}: {error}") from error
        unmatched = {recipe.family for recipe in self.recipe} & {*UNMATCHED}
        if self.refit and unmatched:
            raise ValueError(
                f"expected no --refit of {', '.join(sorted(unmatched))}: the discrete "
                "distribution of a guide has no gradient, or one that takes long"
            )

    def name(self, member: Options) -> dict[str, Any]:
        """What the line of a member is known by."""
        of_run = {
            n: getattr(member, n) for n in ("num_epochs", "num_importance_samples")
        }
        names = "num_validated", "num_tested", "num_tenfold"
        names += "num_followed", "refit", "test"
        of_grid = {name: getattr(self, name) for name in names}
        return member.configuration() | of_run | of_grid

    def members(self) -> list[Options]:
        """The options of each run, those that can share a program together."""
        return [member for recipe in self.recipe for member in self.members_of(recipe)]

    def members_of(self, recipe: Recipe) -> list[Options]:
        """The options of each run of a recipe, at one temperature if it has none."""
        names = "decay", "temperature", "learning_rate", "seed"
        axes = [getattr(self, name) for name in names]
        if not recipe.has_temperature:
            axes[names.index("temperature")] = self.temperature[:1]
        own = {each.name for each in fields(self)} - {*names, *Recipe._fields}
        common = {
            each.name: getattr(self, each.name)
            for each in fields(Options)
            if each.name in own
        }
        return [
            Options(
                **common, **recipe._asdict(), **dict(zip(names, values, strict=True))
            )
            for values in product(*axes)
        ]
