"""Mixture VAEs: an infinite mixture, and DLDPMM at its best truncation (Table 3).

The truncation of DLDPMM is the one with the best ELBO on validation images, for one
seed. The table has scores of test images with other seeds: ELBO and log-likelihood (m
importance samples), in nats per image, numbers of components, and k-NN errors.

    python -m examples.study.mixtures
    python -m examples.study.mixtures --dataset digits --results runs/digits.jsonl
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.dp_mixture_vae.options import TRUNCATIONS, MixtureOptions
from examples.harness.command_line import SEED, at_least, option, option_of
from examples.harness.lines import Line
from examples.study.finals import Final, finals_of
from examples.study.single_runs import SingleRuns, TableOptions, print_table
from examples.study.tables import to_header, to_row, with_spread

EXAMPLE = "examples.dp_mixture_vae.vae"
NAMES = {"igr-sb": "IGR-SB-MM", "dldpmm": "DLDPMM"}
COLUMNS = "images", "host", "family", "K", "chosen as", "epochs", "seeds", "ELBO", "m"
COLUMNS += "log-likelihood", "used", "for 99%", "overflow"
COLUMNS += *(f"{k}-NN error, %" for k in (3, 5, 10)), "seconds"
HEADER = to_header(COLUMNS)


@dataclass(frozen=True, kw_only=True)
class MixtureTableOptions(TableOptions):
    """Families, models and results."""

    family: tuple[str, ...] = option(
        "families of the weights: infinite IGR sticks and DLDPMM's",
        tuple(NAMES),
        choices=tuple(NAMES),
    )
    truncation: tuple[int, ...] = option(
        "numbers of components of dldpmm to try",
        TRUNCATIONS,
        "-k",
        choices=TRUNCATIONS,
    )
    num_epochs: int = option(
        "passes over the training images", 30, "-n", where=at_least(1)
    )
    learning_rate: float = option_of(MixtureOptions, "learning_rate")
    capacity: int = option_of(MixtureOptions, "capacity")
    revise_from: int = option_of(MixtureOptions, "revise_from")
    revise_every: int = option_of(MixtureOptions, "revise_every")
    latent_dim: int = option_of(MixtureOptions, "latent_dim")
    encoder: tuple[int, ...] = option_of(MixtureOptions, "encoder")
    decoder: tuple[int, ...] = option_of(MixtureOptions, "decoder")
    spread: float = option_of(MixtureOptions, "spread")
    final_seed: tuple[int, ...] = option(
        "seeds of the runs to report", (0, 1, 2), where=SEED
    )
    results: Path = option(
        "file of the results, one line of JSON per run",
        Path("runs/mixtures.jsonl"),
        type=Path,
    )

    def grid(self, family: str) -> list[MixtureOptions]:
        """The options of a family to choose among; those of igr-sb are one."""
        is_open = family == "igr-sb"
        truncations = [MixtureOptions.truncation] if is_open else self.truncation
        return [
            self.run(MixtureOptions, family=family, truncation=number)
            for number in truncations
        ]


def scores_of(result: Any) -> dict[str, Any]:
    """What to keep of a run."""
    mean, error = map(float, result.log_likelihood)
    return {
        "validation": result.validation,
        "elbo": result.test,
        "log_likelihood": mean,
        "standard_error": error,
        **result.last._asdict(),
        "is_growing": result.record.is_growing,
        "neighbor_errors": list(result.neighbor_errors.values()),
        "seconds": result.training_seconds,
    }


def study(options: MixtureTableOptions) -> None:
    """Run each family by seeds, DLDPMM at the truncation that is best."""
    runs = SingleRuns(options, EXAMPLE, scores_of)
    for family in options.family:
        runs.study(options.grid(family))


def rows(lines: Sequence[Line]) -> Iterator[str]:
    """The rows of the table; + is for components that still grew in number."""
    for final in finals_of(lines, EXAMPLE, ["truncation"]):
        yield to_row([*settings_of(final), *found_by(final)])


def settings_of(final: Final) -> list[Any]:
    """The cells that say what was run."""
    member, chosen = final.member, final.chosen
    number = member["truncation"]
    if member["family"] == "igr-sb":
        number, chosen = f"open, {mean(final, 'capacity'):.0f}", ""
    runs = number, chosen, member["num_epochs"], len(final.scores)
    return [final.images, member["host"], NAMES[member["family"]], *runs]


def found_by(final: Final) -> list[Any]:
    """The cells that say what came of it."""
    errors = zip(*final.values("neighbor_errors"), strict=True)
    return [
        with_spread(final.values("elbo")),
        final.member["num_importance_samples"],
        with_spread(final.values("log_likelihood")),
        used(final),
        f"{mean(final, 'needed'):.1f}",
        f"{mean(final, 'overflow'):.1%}",
        *(with_spread([100 * x for x in by_seed], 1) for by_seed in errors),
        with_spread(final.values("seconds"), 0),
    ]


def mean(final: Final, name: str) -> float:
    """That of a score over the seeds."""
    return statistics.mean(final.values(name))


def used(final: Final) -> str:
    """How many components were used, by seed."""
    counts = zip(final.values("used"), final.values("is_growing"), strict=True)
    return ", ".join(f"{number}{'+' * is_growing}" for number, is_growing in counts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the runs of the command line that have no line, and print the table."""
    print_table(MixtureTableOptions, study, rows, HEADER, __doc__, arguments)


if __name__ == "__main__":
    main()
