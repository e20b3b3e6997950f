"""The table of the examples' results: sticks without end against DLDPMM, on digits.

    python -m tests.benchmarks.dp_mixture_table

The truncation K of DLDPMM is the one with the best ELBO on validation images, for a
seed of its own; other seeds and the test images make the table. Every run is one line
of a log, so that a killed run continues. All have the same networks, epochs and
learning rate.
"""

import importlib
import statistics
from functools import partial
from itertools import product

import torch

from examples.dp_mixture_vae.options import TRUNCATIONS, MixtureOptions
from tests.benchmarks.report_table import (
    EXAMPLES,
    to_row,
    with_spread,
    write_table,
)
from tests.benchmarks.run_log import RunLog

COMMON = {"num_epochs": 40, "learning_rate": 3e-3}
SIZES = {"encoder": (100, 100), "decoder": (100,), "latent_dim": 10, "spread": 1.0}
REVISION = {"revise_from": 24, "revise_every": 4}
HOSTS, TUNING_SEED, TEST_SEEDS = ("pyro", "numpyro"), 100, (0, 1, 2)
FAMILIES = {
    "IGR-SB-MM": {"family": "igr-sb", "revise_from": 0},
    "IGR-SB-MM, revised": {"family": "igr-sb", **REVISION},
    "DLDPMM": {"family": "dldpmm"},
}
ROWS = [("encoder", name) for name in FAMILIES]
ROWS += [("weights", name) for name in ("IGR-SB-MM", "DLDPMM")]
HEADER = (
    "| family | component by | host | K | ELBO | IWAE-1000 | used | for 99% | overflow "
    "| k-NN error: 3, 5, 10 | training |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def scores(log, host, seed, num_importance_samples=1000, **choice):
    """Scores of one run, from the log or made now."""
    weights = {"num_importance_samples": num_importance_samples}
    common = {"dataset": "digits", **COMMON, **SIZES}
    options = MixtureOptions(seed=seed, **choice, **weights, **common)
    run = host, seed, *choice.values(), *COMMON.values()
    return log.get(run, partial(find, host, options))


def find(host, options):
    """Train, and keep what the table shows."""
    result = importlib.import_module(f"examples.dp_mixture_vae.vae_{host}").train(
        options
    )
    last = result.growth[-1]
    return {
        "validation": result.validation,
        "test": result.test,
        "log_likelihood": result.log_likelihood.mean,
        "used": last.used,
        "needed": last.needed,
        "overflow": last.overflow,
        "capacity": last.capacity,
        "errors": list(result.neighbor_errors.values()),
        "seconds": result.training_seconds,
    }


def best_truncation(log, host, **choice):
    """The truncation with the best ELBO on validation images."""

    def validation(truncation):
        run = host, TUNING_SEED, 2
        return scores(log, *run, **choice, truncation=truncation)["validation"]

    return max(TRUNCATIONS, key=validation)


def row(log, assignment, name, host):
    """The scores of a distribution over the test seeds."""
    choice = {"assignment": assignment, **FAMILIES[name]}
    is_open = choice["family"] == "igr-sb"
    if not is_open:
        choice["truncation"] = best_truncation(log, host, **choice)
    runs = [scores(log, host, seed, **choice) for seed in TEST_SEEDS]

    def values(name):
        return [run[name] for run in runs]

    def mean(name):
        return statistics.mean(values(name))

    errors = map(statistics.mean, zip(*values("errors"), strict=True))
    cells = [
        name,
        assignment,
        host,
        f"open, {mean('capacity'):.0f}" if is_open else choice["truncation"],
        with_spread(values("test")),
        with_spread(values("log_likelihood")),
        ", ".join(map(str, values("used"))),
        f"{mean('needed'):.1f}",
        f"{mean('overflow'):.1%}",
        ", ".join(f"{error:.1%}" for error in errors),
        f"{mean('seconds'):.0f} s",
    ]
    return to_row(cells)


def main():
    torch.set_num_threads(1)
    log = RunLog("dp_mixture_table")
    rows = (row(log, *each, host) for each, host in product(ROWS, HOSTS))
    write_table("mixture table", HEADER, rows, EXAMPLES)


if __name__ == "__main__":
    main()
