"""The time of an epoch of each recipe, as a single run: a line of JSON each.

The recipes take turns in one process, so that all meet the same load of the machine.
The times are medians over the turns, without compiling; with OMP_NUM_THREADS=1 they are
those of one thread.

    python -m examples.study.timings_numpyro
    python -m examples.study.timings_numpyro --architecture 512-256
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import statistics
from collections.abc import Callable, Sequence
from time import perf_counter

import jax
from jax import Array, random

from examples.discrete_vae.codes_numpyro import make_prior
from examples.discrete_vae.options import Options
from examples.harness.command_line import Parser, make_folder
from examples.harness.lines import append_lines, read_timings
from examples.harness.training_numpyro import initialize, load_images, train_epoch
from examples.study.chosen import timing_of
from examples.study.grid_numpyro import VERSIONS
from examples.study.members_numpyro import make_program, rates_of
from examples.study.options import StudyOptions

TURNS, STEPS = 5, 20


def time_steps(member: Options, images: Array) -> Callable[[], float]:
    """A call that takes some steps of a single run and returns the seconds of one."""
    few = images[: STEPS * member.batch_size]
    num_steps = len(few) // member.batch_size
    svi = make_program(member, images)(rates_of(member))
    key, prior = random.PRNGKey(member.seed), make_prior(member)
    state = initialize(svi, prior, few[: member.batch_size], key)

    def run() -> float:
        start = perf_counter()
        jax.block_until_ready(
            train_epoch(svi, prior, few, member.batch_size, state, key)
        )
        return (perf_counter() - start) / num_steps

    run()
    return run


def main(arguments: Sequence[str] | None = None) -> None:
    """Time the recipes of the command line and append their lines."""
    try:
        options = StudyOptions.parse(__doc__, arguments)
        make_folder(options.timings.parent, "--timings")
        read_timings(options.timings)  # before there are more
        images = load_images(options).train
        members = {recipe: options.members_of(recipe)[0] for recipe in options.recipe}
        runs = [time_steps(member, images) for member in members.values()]
    except (OSError, ValueError) as error:
        Parser(__doc__).error(str(error))
    turns = [[run() for run in runs] for _ in range(TURNS)]
    for recipe, times in zip(members, zip(*turns, strict=True), strict=True):
        num_steps = len(images) // options.batch_size
        seconds = statistics.median(times) * num_steps
        line = {
            "timing": timing_of(recipe, vars(options)),
            "on": VERSIONS,
            "seconds_per_epoch": seconds,
        }
        append_lines(options.timings, [line], key="timing")
        print(f"{recipe}  {1e3 * seconds / num_steps:.2f} ms a step")


if __name__ == "__main__":
    main()
