"""The table of MNIST in the examples' README: every law for twenty epochs.

    python tests/benchmarks/mnist_table.py --data-dir FOLDER

The temperature of each law is the one with the best discrete ELBO on validation images.
Runs are kept in checkpoints and their scores in a log, so that a killed one continues.
"""

import argparse
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from options import Options  # noqa: E402

LAWS = {
    "IGR": ("igr", "analytic-kl"),
    "IGR-SB (sticks)": ("igr-sb", "analytic-kl"),
    "Gumbel-Softmax, relaxed KL": ("gumbel-softmax", "monte-carlo-kl"),
    "Gumbel-Softmax, categorical KL": ("gumbel-softmax", "discrete-kl"),
}
HOSTS, TEMPERATURES = ("numpyro", "pyro"), (0.25, 0.5)
LOG = ROOT / "runs" / "mnist_table.jsonl"
REPORT = ROOT / "examples" / "README.md"
BEGIN, END = "<!-- mnist table -->", "<!-- end of mnist table -->"
HEADER = (
    "| law | host | temperature | relaxed ELBO | discrete ELBO | log-likelihood "
    "| dead categories | evaluation |\n|---|---|---|---|---|---|---|---|"
)


def load_log():
    """Results of the runs made so far, by run."""
    lines = LOG.read_text().splitlines() if LOG.exists() else []
    rows = (json.loads(line) for line in lines if line.endswith("}"))
    return {tuple(row["run"]): row["result"] for row in rows}


def result_of(run, options, log):
    """The fields of the result of a run, from the log or made now."""
    if run not in log:
        host = run[0]
        resume = options.checkpoint.exists()
        train = importlib.import_module(f"discrete_vae_{host}").train
        log[run] = train(replace(options, resume=resume))._asdict()
        with LOG.open("a") as file:
            file.write(json.dumps({"run": run, "result": log[run]}) + "\n")
        log[run] = load_log()[run]
    return log[run]


def row(name, host, log, data_dir):
    """The best temperature of a law, and the scores of its run there."""
    law, estimator = LAWS[name]

    def scored(host, temperature, num_importance_samples):
        run = host, law, estimator, temperature, num_importance_samples
        path = LOG.parent / ("mnist-" + "-".join(map(str, run[:4])))
        options = Options(
            dataset="mnist",
            data_dir=data_dir,
            num_epochs=20,
            law=law,
            estimator=estimator,
            temperature=temperature,
            num_importance_samples=num_importance_samples,
            checkpoint=path,
        )
        return result_of(run, options, log)

    def validation(temperature):
        return scored("numpyro", temperature, 2)["validation"][1]

    temperature = max(TEMPERATURES, key=validation)
    result = scored(host, temperature, 1000)
    relaxed, discrete = result["test"]
    mean, error = result["log_likelihood"]
    dead = sum(result["dead_categories"])
    seconds = result["evaluation_seconds"]
    return (
        f"| {name} | {host} | {temperature} | {relaxed:.1f} | {discrete:.1f} "
        f"| {mean:.1f} ± {error:.1f} | {dead} of 200 | {seconds:.0f} s |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path)
    data_dir = parser.parse_args().data_dir
    LOG.parent.mkdir(exist_ok=True)
    log = load_log()
    rows = [row(name, host, log, data_dir) for host in HOSTS for name in LAWS]
    table = "\n".join([HEADER, *rows])
    print(table)
    before, rest = REPORT.read_text().split(BEGIN)
    after = rest.split(END)[1]
    REPORT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    main()
