"""The options of a grid: several values each of what its members differ in."""

from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path

from examples.discrete_vae.options import FAMILIES, HIDDEN_SIZES, Options
from examples.harness.command_line import POSITIVE, SEED, Flags, at_least, option
from examples.images.datasets import DATASETS


@dataclass(frozen=True, kw_only=True)
class GridOptions(Flags):
    """What to train, each combination of the first four, and where to keep it."""

    family: tuple[str, ...] = option(
        "families of the codes", ("igr-sb", "gumbel-softmax"), choices=FAMILIES
    )
    temperature: tuple[float, ...] = option(
        "of the relaxed codes", (0.25, 0.5), where=POSITIVE
    )
    learning_rate: tuple[float, ...] = option(
        "step sizes of Adam", (1e-3, 3e-3), "-lr", where=POSITIVE
    )
    seed: tuple[int, ...] = option("of runs", (0, 1, 2), where=SEED)
    num_epochs: int = option("passes over the images", 30, "-n", where=at_least(1))
    batch_size: int = option("images in a step", 100, "-b", where=at_least(1))
    dataset: str = option("images to learn", "digits", choices=DATASETS)
    data_dir: Path | None = option("folder that has its files", None, type=Path)
    device: str | None = option("JAX platform", None, type=str)
    architecture: str = option(
        "layers of the encoder", "linear", choices=tuple(HIDDEN_SIZES)
    )
    num_variables: int = option("variables of a code", 20, where=at_least(1))
    num_categories: int = option("categories of each", 10, where=at_least(2))
    num_importance_samples: int = option("codes to score", 1000, where=at_least(2))
    at_once: int = option("most members in memory", 16, where=at_least(1))
    checkpoint_every: int = option("epochs", 1, where=at_least(1))
    results: Path = option("lines of JSON", Path("runs/grid.jsonl"), type=Path)

    def members(self) -> list[Options]:
        """The options of each run, those of one family together."""
        axes = self.family, self.temperature, self.learning_rate, self.seed
        names = "family", "temperature", "learning_rate", "seed"
        common = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in (*names, "at_once", "results"):
            del common[name]
        return [
            Options(
                estimator="discrete-kl",
                **common,
                **dict(zip(names, values, strict=True)),
            )
            for values in product(*axes)
        ]
