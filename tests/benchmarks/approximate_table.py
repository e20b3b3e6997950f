"""The table of recovered distributions in the examples' results, by every method.

    python -m tests.benchmarks.approximate_table

The step sizes are chosen in the NumPyro twin, with a seed of their own. Every entry is
one line of a log, so that a killed run continues.
"""

import importlib
from functools import partial

from tqdm import tqdm

from examples.approximate.results import format_distances, methods_for
from examples.approximate.runs import Options, approximate, choose_rate, train
from examples.approximate.targets import TARGETS
from tests.benchmarks.report_table import EXAMPLES, to_row, write_table
from tests.benchmarks.run_log import RunLog

OPTIONS, HOSTS, SILENT = Options(), ("numpyro", "pyro"), tqdm(disable=True)
HEADER = (
    "| target | method | categories | step size | numpyro | pyro |\n"
    "|---|---|---|---|---|---|"
)


def rows(log):
    hosts = [
        importlib.import_module(f"examples.approximate.integers_{name}").HOST
        for name in HOSTS
    ]
    for target in TARGETS.values():
        for method in methods_for(target, OPTIONS.num_categories):
            cells = target.label, method.label, *entries(log, hosts, method, target)
            yield to_row(cells)


def entries(log, hosts, method, target):
    """The number of categories, the step size, and the distance in each host."""
    name = target.name, *method
    work = method, target, OPTIONS
    rate = None
    if method.trained:
        choose = partial(choose_rate, hosts[0], *work, SILENT)
        rate = log.get((*name, "step size"), choose)
    found = [
        log.get((*name, host.name), partial(distances, host, *work, rate))
        for host in hosts
    ]
    num_categories = max(entry["num_categories"] for entry in found)
    columns = [format_distances(entry["distances"]) for entry in found]
    return num_categories, rate or "", *columns


def distances(host, method, target, options, rate):
    if method.trained:
        seeds = options.seeds
        found = train(host, method, target, options, rate, seeds, SILENT)
    else:
        found = approximate(host, method, target, options, SILENT)
    return {
        "num_categories": found.num_categories,
        "distances": found.distances.tolist(),
    }


def main():
    found = rows(RunLog("approximate_table"))
    write_table("approximate table", HEADER, found, EXAMPLES)


if __name__ == "__main__":
    main()
