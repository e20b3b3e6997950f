"""The table of MNIST in the examples' results: every family for twenty epochs.

    python -m tests.benchmarks.mnist_table --data-dir FOLDER

The temperature of each family is the one with the best discrete ELBO on validation
images. Runs are kept in checkpoints and their scores in a log, so that a killed one
continues.
"""

import argparse
import importlib
from dataclasses import replace
from functools import partial
from pathlib import Path

from examples.discrete_vae.options import Options
from tests.benchmarks.report_table import EXAMPLES, to_row, write_table
from tests.benchmarks.run_log import RunLog

FAMILIES = {
    "IGR": ("igr", "analytic-kl"),
    "IGR-SB (sticks)": ("igr-sb", "analytic-kl"),
    "Gumbel-Softmax, relaxed KL": ("gumbel-softmax", "monte-carlo-kl"),
    "Gumbel-Softmax, discrete KL": ("gumbel-softmax", "discrete-kl"),
}
HOSTS, TEMPERATURES = ("numpyro", "pyro"), (0.25, 0.5)
HEADER = (
    "| family | host | temperature | relaxed ELBO | discrete ELBO | log-likelihood "
    "| dead categories | evaluation |\n|---|---|---|---|---|---|---|---|"
)


def find(host, options):
    """The fields of the result of a run, which goes on from its checkpoint."""
    train = importlib.import_module(f"examples.discrete_vae.vae_{host}").train
    return train(replace(options, resume=options.checkpoint.exists()))._asdict()


def row(name, host, log, data_dir):
    """The best temperature of a distribution, and the scores of its run there."""
    family, estimator = FAMILIES[name]

    def scored(host, temperature, num_importance_samples):
        run = host, family, estimator, temperature, num_importance_samples
        path = log.path.with_name("mnist-" + "-".join(map(str, run[:4])))
        options = Options(
            dataset="mnist",
            data_dir=data_dir,
            num_epochs=20,
            learning_rate=3e-3,
            decay="none",
            family=family,
            estimator=estimator,
            temperature=temperature,
            num_importance_samples=num_importance_samples,
            checkpoint=path,
        )
        return log.get(run, partial(find, host, options))

    def validation(temperature):
        return scored("numpyro", temperature, 2)["validation"][1]

    temperature = max(TEMPERATURES, key=validation)
    result = scored(host, temperature, 1000)
    relaxed, discrete = result["test"]
    mean, error = result["log_likelihood"]
    cells = [
        name,
        host,
        temperature,
        f"{relaxed:.1f}",
        f"{discrete:.1f}",
        f"{mean:.1f} ± {error:.1f}",
        f"{sum(result['dead_categories'])} of 200",
        f"{result['evaluation_seconds']:.0f} s",
    ]
    return to_row(cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path)
    data_dir = parser.parse_args().data_dir
    log = RunLog("mnist_table")
    rows = (row(name, host, log, data_dir) for host in HOSTS for name in FAMILIES)
    write_table("mnist table", HEADER, rows, EXAMPLES)


if __name__ == "__main__":
    main()
