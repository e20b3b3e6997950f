"""The table of estimators in the examples' results: families and estimators on digits.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.estimator_table

NumPyro only, whose steps are compiled. The temperature of each is the one with the
best discrete ELBO on validation images after the steps of the budget, with a seed of
its own.
Runs of other seeds are scored twice, after as many steps and after as much processor
time. Every run is one line of a log, so that a killed run continues.
"""

import os
import statistics
import time
from functools import partial

os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
from jax import block_until_ready, random

from examples.discrete_vae import vae_numpyro as vae
from examples.discrete_vae.codes_numpyro import make_discrete, make_prior
from examples.discrete_vae.options import ESTIMATORS, Options
from examples.discrete_vae.report import importance_bounds
from examples.discrete_vae.scores_numpyro import weigh
from examples.harness.training_numpyro import evaluate
from tests.benchmarks.report_table import EXAMPLES, to_row, with_spread, write_table
from tests.benchmarks.run_log import RunLog

NUM_EPOCHS, SECONDS = 50, 2.0
TEMPERATURES = (0.1, 0.25, 0.5, 1.0)
TUNING_SEED, TEST_SEEDS = 100, (0, 1, 2)
SIZES, NUM_WEIGHTS = {"num_variables": 6, "num_categories": 4}, 100
IMAGES = {"dataset": "digits"}
WEIGHTED = "discrete-iwae", "discrete-iwae-dr", "reinmax-iwae", "vimco"
SETS = "unordered-set", "leave-one-out"
SAMPLES = dict.fromkeys(SETS, 4) | dict.fromkeys(WEIGHTED, 5)
WITHOUT_TEMPERATURE = "relax", "rebar", "vimco", *SETS
HEADER = (
    "| estimator | family | temperature | ms a step | ELBO, equal steps "
    "| IWAE, equal steps | ELBO, equal time | IWAE, equal time |\n"
    "|---|---|---|---|---|---|---|---|"
)


class Run:
    """A training run: its state, and the processor time that its steps took."""

    def __init__(self, estimator, family, temperature, seed):
        options = Options(
            family=family,
            estimator=estimator,
            num_samples=SAMPLES.get(estimator, 1),
            temperature=temperature,
            learning_rate=3e-3,
            seed=seed,
            **SIZES,
            **IMAGES,
        )
        _, self.images, self.validation, self.test = vae.load_images(options)
        self.objectives = vae.make_objectives(
            options.sizes(self.images.shape[1]),
            options.learning_rate,
            estimator,
            options.num_samples,
        )
        self.batch_size, self.key = options.batch_size, random.PRNGKey(seed)
        self.prior = make_prior(options)
        first = self.images[: self.batch_size]
        of = self.objectives.training, self.prior
        self.start = vae.initialize(*of, first, self.key)
        trained, _ = self._epoch(
            self.start, 0
        )  # compiles, and for the types it returns
        block_until_ready(self._epoch(trained, 0))
        self.state, self.epochs, self.seconds = self.start, 0, 0.0

    def _epoch(self, state, number):
        of = self.objectives.training, self.prior, self.images, self.batch_size
        return vae.train_epoch(*of, state, random.fold_in(self.key, number))

    def step(self):
        """Train for an epoch."""
        start = time.process_time()
        self.epochs += 1
        self.state, _ = block_until_ready(self._epoch(self.state, self.epochs))
        self.seconds += time.process_time() - start

    def elbo(self, images):
        of_state = self._of_state()
        svi = self.objectives.discrete
        return evaluate(svi, make_discrete(self.prior), images, *of_state)

    def _of_state(self):
        params = self.objectives.training.get_params(self.state)
        return params, random.fold_in(self.key, 0)

    def scores(self):
        """The discrete ELBO and the importance-weighted one, of the test images."""
        of = make_discrete(self.prior), self.test, NUM_WEIGHTS, *self._of_state()
        log_weights = weigh(self.objectives.discrete, *of)
        bounds = importance_bounds(log_weights)
        return [self.elbo(self.test), float(bounds.mean())]


def tune(*method):
    """The discrete ELBO of the validation images after the steps of the budget."""
    run = Run(*method)
    while run.epochs < NUM_EPOCHS:
        run.step()
    return {"validation": run.elbo(run.validation)}


def compare(*method):
    """The scores after as many steps, and after as much time, whatever comes first."""
    run, found = Run(*method), {}
    while len(found) < 2:
        run.step()
        if run.epochs == NUM_EPOCHS:
            found["steps"] = run.scores()
        if run.seconds >= SECONDS and "time" not in found:
            found["time"] = run.scores()
    batches = len(run.images) // run.batch_size
    return found | {"milliseconds": 1000 * run.seconds / run.epochs / batches}


def logged(log, make, *method):
    """The result of a run, from the log or made now."""
    return log.get((make.__name__, *method), partial(make, *method))


def best_temperature(log, estimator, family):
    if estimator in WITHOUT_TEMPERATURE:
        return TEMPERATURES[-1]

    def validation(temperature):
        run = logged(log, tune, estimator, family, temperature, TUNING_SEED)
        return run["validation"]

    return max(TEMPERATURES, key=validation)


def row(log, estimator, family):
    temperature = best_temperature(log, estimator, family)
    runs = [logged(log, compare, estimator, family, temperature, s) for s in TEST_SEEDS]
    shown = "" if estimator in WITHOUT_TEMPERATURE else temperature
    milliseconds = statistics.median(run["milliseconds"] for run in runs)
    columns = [
        with_spread([run[budget][number] for run in runs])
        for budget in ("steps", "time")
        for number in (0, 1)
    ]
    cells = estimator, family, shown, f"{milliseconds:.2g}", *columns
    return to_row(cells)


def main():
    log = RunLog("estimator_table")
    methods = [
        (name, family)
        for name, estimator in ESTIMATORS.items()
        for family in ESTIMATORS["exact"].families
        if family in estimator.families and name != "exact"
    ]
    rows = (row(log, *method) for method in methods)
    write_table("estimator table", HEADER, rows, EXAMPLES)


if __name__ == "__main__":
    main()
