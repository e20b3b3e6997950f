"""The options of a study of recipes: those of a grid, and of the runs after tuning."""

from dataclasses import dataclass
from pathlib import Path

from examples.discrete_vae.options import DECAYS
from examples.harness.command_line import POSITIVE, SEED, option
from examples.study.grid_options import GridOptions
from examples.study.recipes import Recipe

STUDIED = (
    "gumbel-softmax/discrete-kl",
    "gumbel-softmax/discrete-kl/5",
    "gumbel-softmax/discrete-iwae/5",
    "gumbel-softmax/discrete-iwae-dr/5",
    "gumbel-softmax/monte-carlo-kl",
    "gumbel-softmax/straight-through",
    "gumbel-softmax/reinmax",
    "gumbel-softmax/reinmax-iwae/5",
    "gumbel-softmax/unordered-set/4",
    "igr-sb/discrete-kl",
    "igr-sb/discrete-iwae/5",
    "igr-sb/discrete-iwae-dr/5",
    "igr-sb/straight-through",
    "igr-sb/analytic-kl",
    "igr/discrete-kl",
    "igr/discrete-iwae/5",
    "igr/analytic-kl",
)


@dataclass(frozen=True, kw_only=True)
class StudyOptions(GridOptions):
    """Tuning, and the runs of the best settings of each recipe."""

    recipe: tuple[Recipe, ...] = option(
        "recipes to study, FAMILY/ESTIMATOR[/SAMPLES] each",
        tuple(map(Recipe.parse, STUDIED)),
        type=Recipe.parse,
        nargs="+",
    )
    temperature: tuple[float, ...] = option(
        "temperatures of the relaxed codes to try",
        (0.1, 0.25, 0.4, 0.5, 0.67, 1.0),
        where=POSITIVE,
    )
    decay: tuple[str, ...] = option(
        "what lessens the noise of the last steps: all to try", DECAYS, choices=DECAYS
    )
    seed: tuple[int, ...] = option("seeds of the runs for tuning", (0,), where=SEED)
    final_seed: tuple[int, ...] = option(
        "seeds of the runs of the best settings", (0, 1, 2, 3, 4), where=SEED
    )
    seconds: tuple[float, ...] = option(
        "further lengths of training in seconds, by the timings; none for no such runs",
        (60.0,),
        where=POSITIVE,
        nargs="*",
    )
    timings: Path = option(
        "file of the timings, as lines of JSON", Path("runs/timings.jsonl"), type=Path
    )
