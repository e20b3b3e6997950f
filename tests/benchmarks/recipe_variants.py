"""The table of variants of the recipe in the examples' results, in NumPyro.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.recipe_variants

A step of each is timed in turns with one of the recipe with sticks. Its temperature is
the one with the best importance-weighted bound on validation images at equal time, with
a seed of its own. Every run is one line of a log, so that a killed run continues.
"""

import os
import statistics
import warnings
from functools import partial

os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
from numpyro_igr import recover
from tests.benchmarks.report_table import (
    EXAMPLES,
    to_header,
    to_row,
    with_spread,
    write_table,
)
from tests.benchmarks.run_log import RunLog
from tests.benchmarks.variant_programs import VARIANTS
from tests.benchmarks.variant_runs import RECIPE, Problem, relative_time, scores

NUM_STEPS, TEMPERATURES = 2000, (0.1, 0.25, 0.5, 1.0)
TUNING_SEED, TEST_SEEDS = 100, (0, 1, 2, 3, 4)
DEAR = 2.0  # times a step of the recipe, from where on three seeds are enough
HEADER = to_header(
    ["variant", "family", "temperature", "time of a step", "seeds"]
    + ["ELBO, equal steps", "IWAE, equal steps", "ELBO, equal time", "IWAE, equal time"]
)


def has_temperature(name):
    """Whether codes of a variant are ever relaxed."""
    return VARIANTS[name].phase.prior is not recover


class Table:
    """The rows of a problem, from its log or made now."""

    def __init__(self, problem):
        self.problem = problem
        self.log = RunLog(f"recipe_variants_{problem.dataset}")

    def row(self, name, family):
        ratio = self._ratio(name, family)
        epochs = NUM_STEPS / self.problem.num_batches(name)
        budgets = round(epochs), round(epochs / ratio)
        seeds = TEST_SEEDS[:3] if ratio > DEAR else TEST_SEEDS
        best, columns = self._temperature(name, family, budgets[-1]), []
        for budget in budgets:
            of = [(name, family, best, seed, budget) for seed in seeds]
            runs = [self._scores("test", *run) for run in of]
            elbos, bounds, reached = zip(*runs, strict=True)
            columns += with_spread(elbos), with_spread(bounds)
        last = statistics.mean(reached)
        shown = best if last == best else f"{best}, then {last:.2f}"
        shown = shown if has_temperature(name) else ""
        return to_row([name, family, shown, f"{ratio:.2f}", len(seeds), *columns])

    def _temperature(self, name, family, budget):
        def validation(temperature):
            of = name, family, temperature, TUNING_SEED, budget
            return self._scores("validation", *of)[1]

        tried = TEMPERATURES if has_temperature(name) else TEMPERATURES[:1]
        return max(tried, key=validation)

    def _ratio(self, *of):
        if of == RECIPE:
            return 1.0
        find = partial(relative_time, self.problem, *of)
        return self.log.get(("relative_time", *of), find)

    def _scores(self, *of):
        return self.log.get(of, partial(scores, self.problem, *of))


def main():
    warnings.filterwarnings("ignore", "The scale of the guide")  # which is bounded
    table = Table(Problem("digits", 6, 4, "linear"))
    rows = (
        table.row(name, family)
        for name, variant in VARIANTS.items()
        for family in variant.families
    )
    write_table("variants", HEADER, rows, EXAMPLES)


if __name__ == "__main__":
    main()
