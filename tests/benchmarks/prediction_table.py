"""The table of structured prediction in the examples' results, on digits.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.prediction_table

NumPyro only. The temperature of each family is the one with the best bound of the
discrete network on validation images, with a seed of its own; three other seeds make
the table. Every run is one line of a log, so that a killed run continues.
"""

from functools import partial

from examples.structured_prediction.halves_numpyro import train
from examples.structured_prediction.prediction import PredictionOptions
from tests.benchmarks.report_table import EXAMPLES, to_row, with_spread, write_table
from tests.benchmarks.run_log import RunLog

FAMILIES = {
    "IGR, and IGR-SB": "igr",
    "IGR-Planar": "igr-planar",
    "Gumbel-Softmax": "gumbel-softmax",
}
TEMPERATURES = (0.25, 0.5, 1.0, 2.0)
TUNING_SEED, TEST_SEEDS = 100, (0, 1, 2)
HEADER = (
    "| units | temperature | 100 samples | 1000 samples | relaxed, as trained |\n"
    "|---|---|---|---|---|"
)


def scores(family, temperature, seed):
    """Scores of one run."""
    choice = {"family": family, "temperature": temperature, "seed": seed}
    result = train(PredictionOptions(dataset="digits", **choice))
    test = {str(number): found.mean for number, found in result.test.items()}
    return test | {"validation": result.validation, "relaxed": result.objective}


def row(log, name):
    family = FAMILIES[name]

    def logged(*run):
        return log.get((family, *run), partial(scores, family, *run))

    def validation(temperature):
        return logged(temperature, TUNING_SEED)["validation"]

    temperature = max(TEMPERATURES, key=validation)
    runs = [logged(temperature, seed) for seed in TEST_SEEDS]
    keys = "100", "1000", "relaxed"
    columns = [with_spread([run[key] for run in runs], 3) for key in keys]
    return to_row([name, temperature, *columns])


def main():
    log = RunLog("prediction_table")
    rows = (row(log, name) for name in FAMILIES)
    write_table("prediction table", HEADER, rows, EXAMPLES)


if __name__ == "__main__":
    main()
