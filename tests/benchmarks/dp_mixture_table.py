"""The table of the examples' README: sticks without end against DLDPMM, on digits.

    python tests/benchmarks/dp_mixture_table.py

The truncation K of DLDPMM is the one with the best ELBO on validation images, for a
seed of its own; other seeds and the test images make the table. Every run is one line
of a log, so that a killed run continues. Both laws have the same networks, epochs and
learning rate, in the Pyro twin.
"""

import statistics
import sys
from functools import partial

import torch
from report_table import EXAMPLES, ROOT, to_row, with_spread, write_table
from run_log import RunLog

sys.path.insert(0, str(ROOT / "examples"))

from dp_mixture_vae_pyro import train  # noqa: E402
from mixture_options import TRUNCATIONS, MixtureOptions  # noqa: E402

COMMON = {"num_epochs": 40, "learning_rate": 3e-3}
SIZES = {"encoder": (100, 100), "decoder": (100,), "latent_dim": 10}
ASSIGNMENTS, TUNING_SEED, TEST_SEEDS = ("encoder", "weights"), 100, (0, 1, 2)
HEADER = (
    "| law | component by | K | ELBO | IWAE-1000 | used | for 99% | overflow "
    "| k-NN error: 3, 5, 10 | training |\n|---|---|---|---|---|---|---|---|---|---|"
)


def scores(log, assignment, law, truncation, seed, num_importance_samples=1000):
    """Scores of one run, from the log or made now."""
    choice = {"assignment": assignment, "law": law, "truncation": truncation}
    weights = {"num_importance_samples": num_importance_samples}
    options = MixtureOptions(seed=seed, **choice, **weights, **COMMON, **SIZES)
    run = assignment, law, truncation, seed, *COMMON.values()
    return log.get(run, partial(find, options))


def find(options):
    """Train, and keep what the table shows."""
    result = train(options)
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


def best_truncation(log, assignment):
    """The truncation of DLDPMM with the best ELBO on validation images."""

    def validation(truncation):
        run = assignment, "dldpmm", truncation, TUNING_SEED, 2
        return scores(log, *run)["validation"]

    return max(TRUNCATIONS, key=validation)


def row(log, assignment, law):
    """The scores of a law over the test seeds."""
    is_open = law == "igr-sb"
    truncation = TRUNCATIONS[-1] if is_open else best_truncation(log, assignment)
    runs = [scores(log, assignment, law, truncation, seed) for seed in TEST_SEEDS]

    def values(name):
        return [run[name] for run in runs]

    def mean(name):
        return statistics.mean(values(name))

    errors = map(statistics.mean, zip(*values("errors"), strict=True))
    k = f"open, {mean('capacity'):.0f}" if is_open else truncation
    cells = [
        "IGR-SB-MM" if is_open else "DLDPMM",
        assignment,
        k,
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
    laws = [
        (assignment, law) for assignment in ASSIGNMENTS for law in ("igr-sb", "dldpmm")
    ]
    rows = (row(log, *each) for each in laws)
    write_table("mixture table", HEADER, rows, EXAMPLES)


if __name__ == "__main__":
    main()
