"""How often the mixture VAE finds groups where there are none, by simulation.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.structureless

Each seed is another data set of 1,000 images, with the settings of the table of groups.
Runs are lines of `runs/structureless.jsonl`, so that a killed command goes on from
there. The bound is that of Clopper and Pearson (1934) at 95 %.
"""

from functools import partial
from itertools import product

import torch
from scipy.stats import beta

from tests.benchmarks.clustered_images import DATA
from tests.benchmarks.planted_clusters import HOSTS, find
from tests.benchmarks.report_table import EXAMPLES, to_header, to_row, write_table
from tests.benchmarks.run_log import RunLog

SEEDS = range(1000, 1020)  # none of which chose a setting
STRUCTURELESS = [data for data in DATA if data.groups == 1]
COLUMNS = ["images", "host", "runs", "with one component", "at most, wrongly"]


def find_number(host, data, seed):
    """How many components a run uses."""
    choice = {"capacity": 20, "seed": seed} | data.settings
    return find(host, data.make(seed), **choice)["used"]


def most(wrong, number):
    """The largest rate at which so few runs of that number could be wrong."""
    return beta.ppf(0.95, wrong + 1, number - wrong)


def rows(log):
    """A row for each kind of images and host."""
    for data, host in product(STRUCTURELESS, HOSTS):
        counts = [
            log.get((data.name, host, seed), partial(find_number, host, data, seed))
            for seed in SEEDS
        ]
        right = counts.count(1)
        rate = f"{most(len(counts) - right, len(counts)):.0%}"
        yield to_row([data.name, host, len(counts), right, rate])


def main():
    torch.set_num_threads(1)
    log = RunLog("structureless")
    write_table("structureless table", to_header(COLUMNS), rows(log), EXAMPLES)


if __name__ == "__main__":
    main()
