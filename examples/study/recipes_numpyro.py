"""Which recipe is best: all tuned alike, then repeated with several seeds, in NumPyro.

First a grid of temperatures, learning rates and decay is run with one seed; then the
settings that are best on validation images are run with several seeds, and scored on
test images as well. Budgets are equal numbers of epochs, and equal times by the timings
(`timings_numpyro`).

    python -m examples.study.recipes_numpyro
    python -m examples.study.recipes_numpyro --dataset mnist --results runs/mnist.jsonl
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Sequence
from dataclasses import replace

from examples.harness.command_line import Parser
from examples.harness.lines import Line, read_timings
from examples.study.chosen import best_settings, seconds_per_epoch
from examples.study.grid_numpyro import report, run_grid
from examples.study.options import StudyOptions
from examples.study.recipes import Recipe


def budgets(options: StudyOptions, recipe: Recipe) -> list[int]:
    """The epochs that all have, and those that equal time is enough for.

    ValueError if there is no timing of the recipe.
    """
    if not options.seconds:
        return [options.num_epochs]
    cost = seconds_per_epoch(read_timings(options.timings), recipe, vars(options))
    if cost is None:
        raise ValueError(
            f"{options.timings}: expected a timing of {recipe}, got none: run "
            "timings_numpyro with the same options, or give --seconds no value"
        )
    at_equal_time = {max(1, round(seconds / cost)) for seconds in options.seconds}
    return sorted({options.num_epochs} | at_equal_time)


def study(options: StudyOptions, recipe: Recipe, num_epochs: int) -> list[Line]:
    """Tune a recipe and run its best settings with every seed; returns both."""
    options = replace(options, recipe=(recipe,), num_epochs=num_epochs)
    tuned = run_grid(replace(options, refit=0, test=False))
    best = {name: (x,) for name, x in best_settings(tuned, recipe).items()}
    return tuned + run_grid(
        replace(options, seed=options.final_seed, test=True, **best)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study of the command line and print what was found."""
    try:
        options = StudyOptions.parse(__doc__, arguments)
        for work in [(x, n) for x in options.recipe for n in budgets(options, x)]:
            print(report(study(options, *work)))
    except (OSError, ValueError) as error:
        Parser(__doc__).error(str(error))


if __name__ == "__main__":
    main()
