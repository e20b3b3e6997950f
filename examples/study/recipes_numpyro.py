"""Which recipe is best: all tuned alike, then run again by seeds, in NumPyro.

First a grid of temperatures, learning rates and decay, with one seed; then the settings
that did best on validation images with several seeds, for as many epochs as all have
and for as many as take equal time by the timings (`timings_numpyro`), scored on test
images as well.

    python -m examples.study.recipes_numpyro
    python -m examples.study.recipes_numpyro --dataset mnist --results runs/mnist.jsonl
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Sequence
from dataclasses import replace

from examples.harness.command_line import Parser
from examples.harness.lines import Line, read_lines
from examples.study.chosen import best_settings, seconds_per_epoch
from examples.study.grid_numpyro import report, run_grid
from examples.study.options import StudyOptions
from examples.study.recipes import Recipe


def run_finals(options: StudyOptions, tuned: Sequence[Line], recipe: Recipe) -> None:
    """Run the best settings of a recipe with every seed and in every budget."""
    best = {name: (x,) for name, x in best_settings(tuned, recipe).items()}
    timings = read_lines(options.timings)
    cost = seconds_per_epoch(timings, recipe, options.architecture)
    at_equal_time = {max(1, round(seconds / cost)) for seconds in options.seconds}
    for num_epochs in sorted({options.num_epochs} | at_equal_time):
        of = {"recipe": (recipe,), "seed": options.final_seed, "test": True}
        run_grid(replace(options, num_epochs=num_epochs, **of, **best))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study of the command line and print what tuning found."""
    try:
        options = StudyOptions.parse(__doc__, arguments)
        for recipe in options.recipe:
            tuned = run_grid(replace(options, recipe=(recipe,), refit=0))
            print(report(tuned))
            run_finals(options, tuned, recipe)
    except (OSError, ValueError) as error:
        Parser(__doc__).error(str(error))


if __name__ == "__main__":
    main()
