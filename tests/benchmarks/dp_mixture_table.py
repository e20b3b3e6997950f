"""The table of the examples' README: sticks without end against DLDPMM, on digits.

    python tests/benchmarks/dp_mixture_table.py

The truncation K of DLDPMM is the one with the best ELBO on validation images, for a
seed of its own; other seeds and the test images make the table. Every run is one line
of a log, so that a killed run continues. Both laws have the same networks, epochs and
learning rate, in the Pyro twin.
"""

import json
import statistics
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from dp_mixture_vae_pyro import train  # noqa: E402
from mixture_options import TRUNCATIONS, MixtureOptions  # noqa: E402

COMMON = {"num_epochs": 40, "learning_rate": 3e-3}
SIZES = {"encoder": (100, 100), "decoder": (100,), "latent_dim": 10}
ASSIGNMENTS, TUNING_SEED, TEST_SEEDS = ("encoder", "weights"), 100, (0, 1, 2)
LOG = ROOT / "runs" / "dp_mixture_table.jsonl"
REPORT = ROOT / "examples" / "README.md"
BEGIN, END = "<!-- mixture table -->", "<!-- end of mixture table -->"
HEADER = (
    "| law | component by | K | ELBO | IWAE-1000 | used | for 99% | overflow "
    "| k-NN error: 3, 5, 10 | training |\n|---|---|---|---|---|---|---|---|---|---|"
)


def load_log():
    """Scores of the runs made so far, by run."""
    lines = LOG.read_text().splitlines() if LOG.exists() else []
    rows = (json.loads(line) for line in lines if line.endswith("}"))
    return {tuple(row.pop("run")): row for row in rows}


def scores(log, assignment, law, truncation, seed, num_importance_samples=1000):
    """Scores of one run, from the log or made now."""
    run = (assignment, law, truncation, seed, *COMMON.values())
    if run not in log:
        choice = {"assignment": assignment, "law": law, "truncation": truncation}
        weights = {"num_importance_samples": num_importance_samples}
        result = train(
            MixtureOptions(seed=seed, **choice, **weights, **COMMON, **SIZES)
        )
        last = result.growth[-1]
        log[run] = {
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
        with LOG.open("a") as file:
            file.write(json.dumps({"run": run, **log[run]}) + "\n")
    return log[run]


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

    def mean(name):
        return statistics.mean(run[name] for run in runs)

    def spread(name):
        return statistics.stdev(run[name] for run in runs)

    errors = [
        statistics.mean(column)
        for column in zip(*(run["errors"] for run in runs), strict=True)
    ]
    k = f"open, {mean('capacity'):.0f}" if is_open else truncation
    return (
        f"| {'IGR-SB-MM' if is_open else 'DLDPMM'} | {assignment} | {k} "
        f"| {mean('test'):.2f} ± {spread('test'):.2f} "
        f"| {mean('log_likelihood'):.2f} ± {spread('log_likelihood'):.2f} "
        f"| {', '.join(str(run['used']) for run in runs)} | {mean('needed'):.1f} "
        f"| {mean('overflow'):.1%} | {', '.join(f'{e:.1%}' for e in errors)} "
        f"| {mean('seconds'):.0f} s |"
    )


def main():
    torch.set_num_threads(1)
    LOG.parent.mkdir(exist_ok=True)
    log = load_log()
    laws = [
        (assignment, law) for assignment in ASSIGNMENTS for law in ("igr-sb", "dldpmm")
    ]
    table = "\n".join([HEADER, *(row(log, *each) for each in laws)])
    print(table)
    before, rest = REPORT.read_text().split(BEGIN)
    after = rest.split(END)[1]
    REPORT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    main()
