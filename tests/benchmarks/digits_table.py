"""The table of digits: every family, tuned alike, in both hosts.

    python -m tests.benchmarks.digits_table

For each family the temperature is the one with the best discrete ELBO on validation
images, averaged over the tuning seeds of the NumPyro twin; other seeds and the test
images make the table. Every run is one line of a log, so that a killed run continues.
"""

import importlib
import statistics
from functools import partial

from examples.discrete_vae.options import Options
from tests.benchmarks.report_table import EXAMPLES, to_row, with_spread, write_table
from tests.benchmarks.run_log import RunLog

TEMPERATURES = (0.1, 0.25, 0.5, 0.67, 1.0)
METHODS = {
    "IGR": ("igr", "analytic-kl"),
    "IGR-SB (sticks)": ("igr-sb", "analytic-kl"),
    "Gumbel-Softmax, relaxed KL": ("gumbel-softmax", "monte-carlo-kl"),
    "Gumbel-Softmax, discrete KL": ("gumbel-softmax", "discrete-kl"),
}
HOSTS, NUM_EPOCHS = ("numpyro", "pyro"), 200
TUNING_SEEDS, TEST_SEEDS = (100, 101), (0, 1, 2, 3, 4)


def scores(log, host, method, temperature, seed):
    """Scores of one run, from the log or made now."""
    family, estimator = METHODS[method]
    choice = {"family": family, "estimator": estimator, "temperature": temperature}
    common = {"dataset": "digits", "decay": "none", "num_epochs": NUM_EPOCHS}
    options = Options(seed=seed, learning_rate=3e-3, **common, **choice)
    run = host, family, estimator, temperature, seed, NUM_EPOCHS
    return log.get(run, partial(find, host, options))


def find(host, options):
    """Train, and keep the scores that the table needs."""
    result = importlib.import_module(f"examples.discrete_vae.vae_{host}").train(options)
    return {
        "validation": result.validation.discrete_elbo,
        "test": result.test.discrete_elbo,
        "relaxed": result.test.relaxed_elbo,
    }


def best_temperature(log, method):
    """The temperature with the best mean discrete ELBO on validation images."""

    def mean(temperature):
        runs = (scores(log, "numpyro", method, temperature, s) for s in TUNING_SEEDS)
        return statistics.mean(run["validation"] for run in runs)

    return max(TEMPERATURES, key=mean)


def rows(log):
    for method in METHODS:
        temperature = best_temperature(log, method)
        for host in HOSTS:
            runs = [scores(log, host, method, temperature, s) for s in TEST_SEEDS]
            columns = [with_spread([r[name] for r in runs]) for name in COLUMNS]
            yield to_row([method, host, temperature, *columns])


COLUMNS = ("test", "relaxed")
HEADER = (
    "| family | host | temperature | discrete ELBO | objective as trained |\n"
    "|---|---|---|---|---|"
)


def main():
    found = rows(RunLog("digits_table"))
    write_table("digits table", HEADER, found, EXAMPLES)


if __name__ == "__main__":
    main()
