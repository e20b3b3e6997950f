"""The table of structured prediction in the examples' README, on digits.

    OMP_NUM_THREADS=1 python tests/benchmarks/prediction_table.py

NumPyro only. The temperature of each law is the one with the best bound of the discrete
network on validation images, with a seed of its own; three other seeds make the table.
Every run is one line of a log, so that a killed run continues.
"""

import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from prediction import PredictionOptions  # noqa: E402
from structured_prediction_numpyro import train  # noqa: E402

LAWS = {
    "IGR, and IGR-SB": "igr",
    "IGR-Planar": "igr-planar",
    "Gumbel-Softmax": "gumbel-softmax",
}
TEMPERATURES = (0.25, 0.5, 1.0, 2.0)
TUNING_SEED, TEST_SEEDS = 100, (0, 1, 2)
LOG = ROOT / "runs" / "prediction_table.jsonl"
REPORT = ROOT / "examples" / "README.md"
BEGIN, END = "<!-- prediction table -->", "<!-- end of prediction table -->"
HEADER = (
    "| units | temperature | 100 samples | 1000 samples | relaxed, as trained |\n"
    "|---|---|---|---|---|"
)


def load_log():
    """Scores of the runs made so far, by run."""
    lines = LOG.read_text().splitlines() if LOG.exists() else []
    rows = (json.loads(line) for line in lines if line.endswith("}"))
    return {tuple(row.pop("run")): row for row in rows}


def scores(log, law, temperature, seed):
    """Scores of one run, from the log or made now."""
    run = law, temperature, seed
    if run not in log:
        choice = {"law": law, "temperature": temperature, "seed": seed}
        result = train(PredictionOptions(**choice))
        test = {str(number): found.mean for number, found in result.test.items()}
        rest = {"validation": result.validation, "relaxed": result.objective}
        log[run] = test | rest
        LOG.parent.mkdir(exist_ok=True)
        with LOG.open("a") as file:
            file.write(json.dumps({"run": run, **log[run]}) + "\n")
    return log[run]


def with_spread(values):
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"


def row(log, name):
    law = LAWS[name]

    def validation(temperature):
        return scores(log, law, temperature, TUNING_SEED)["validation"]

    temperature = max(TEMPERATURES, key=validation)
    runs = [scores(log, law, temperature, seed) for seed in TEST_SEEDS]
    keys = "100", "1000", "relaxed"
    columns = [with_spread([run[key] for run in runs]) for key in keys]
    return "| " + " | ".join(map(str, (name, temperature, *columns))) + " |"


def main():
    log = load_log()
    table = "\n".join([HEADER, *(row(log, name) for name in LAWS)])
    print(table)
    before, rest = REPORT.read_text().split(BEGIN)
    REPORT.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
