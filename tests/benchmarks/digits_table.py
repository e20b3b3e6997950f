"""The table of both READMEs: every law on digits, tuned alike, in both hosts.

    python tests/benchmarks/digits_table.py

For each law the temperature is the one with the best discrete ELBO on validation
images, averaged over the tuning seeds of the NumPyro twin; other seeds and the test
images make the table. Every run is one line of a log, so that a killed run continues.
"""

import importlib
import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from options import Options  # noqa: E402

TEMPERATURES = (0.1, 0.25, 0.5, 0.67, 1.0)
METHODS = {
    "IGR": ("igr", "analytic-kl"),
    "IGR-SB (sticks)": ("igr-sb", "analytic-kl"),
    "Gumbel-Softmax, relaxed KL": ("gumbel-softmax", "monte-carlo-kl"),
    "Gumbel-Softmax, categorical KL": ("gumbel-softmax", "discrete-kl"),
}
HOSTS, NUM_EPOCHS = ("numpyro", "pyro"), 200
TUNING_SEEDS, TEST_SEEDS = (100, 101), (0, 1, 2, 3, 4)
LOG = ROOT / "runs" / "digits_table.jsonl"
REPORTS = ROOT / "README.md", ROOT / "examples" / "README.md"
BEGIN, END = "<!-- digits table -->", "<!-- end of digits table -->"


def load_log():
    """Scores of the runs made so far, by run."""
    if not LOG.exists():
        return {}
    lines = (line for line in LOG.read_text().splitlines() if line.endswith("}"))
    return {tuple(row.pop("run")): row for row in map(json.loads, lines)}


def scores(log, host, method, temperature, seed):
    """Scores of one run, from the log or made now."""
    law, estimator = METHODS[method]
    run = (host, law, estimator, temperature, seed, NUM_EPOCHS)
    if run not in log:
        train = importlib.import_module(f"discrete_vae_{host}").train
        choice = {"law": law, "estimator": estimator, "temperature": temperature}
        result = train(Options(num_epochs=NUM_EPOCHS, seed=seed, **choice))
        log[run] = {
            "validation": result.validation.discrete_elbo,
            "test": result.test.discrete_elbo,
            "relaxed": result.test.relaxed_elbo,
        }
        LOG.parent.mkdir(exist_ok=True)
        with LOG.open("a") as file:
            file.write(json.dumps({"run": run, **log[run]}) + "\n")
    return log[run]


def best_temperature(log, method):
    """The temperature with the best mean discrete ELBO on validation images."""

    def mean(temperature):
        runs = (scores(log, "numpyro", method, temperature, s) for s in TUNING_SEEDS)
        return statistics.mean(run["validation"] for run in runs)

    return max(TEMPERATURES, key=mean)


def with_spread(values):
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"


def rows(log):
    for method in METHODS:
        temperature = best_temperature(log, method)
        for host in HOSTS:
            runs = [scores(log, host, method, temperature, s) for s in TEST_SEEDS]
            columns = [with_spread([r[name] for r in runs]) for name in COLUMNS]
            cells = (method, host, temperature, *columns)
            yield "| " + " | ".join(map(str, cells)) + " |"


COLUMNS = ("test", "relaxed")
HEADER = (
    "| law | host | temperature | discrete ELBO | objective as trained |\n"
    "|---|---|---|---|---|"
)


def write_report(table):
    """Replaces the table between the two marks of each report."""
    for report in REPORTS:
        before, rest = report.read_text().split(BEGIN)
        after = rest.split(END)[1]
        report.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


def main():
    log = load_log()
    table = "\n".join([HEADER, *rows(log)])
    print(table)
    write_report(table)


if __name__ == "__main__":
    main()
