"""The table of recovered laws in the examples' README, by every method in both hosts.

    python tests/benchmarks/approximate_table.py

The step sizes are chosen in the NumPyro twin, with a seed of their own. Every entry is
one line of a log, so that a killed run continues.
"""

import importlib
import json
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from approximate import Options, approximate, choose_rate, train  # noqa: E402
from approximations import format_distances, methods_for  # noqa: E402
from targets import TARGETS  # noqa: E402

OPTIONS, HOSTS, SILENT = Options(), ("numpyro", "pyro"), tqdm(disable=True)
LOG = ROOT / "runs" / "approximate_table.jsonl"
REPORT = ROOT / "examples" / "README.md"
BEGIN, END = "<!-- approximate table -->", "<!-- end of approximate table -->"
HEADER = (
    "| target | method | categories | step size | numpyro | pyro |\n"
    "|---|---|---|---|---|---|"
)


def load_log():
    """What was found so far, by run."""
    lines = LOG.read_text().splitlines() if LOG.exists() else []
    rows = (json.loads(line) for line in lines if line.endswith("}"))
    return {tuple(row["run"]): row["found"] for row in rows}


def logged(log, run, find):
    """What was found in a run, from the log or now."""
    if run not in log:
        log[run] = find()
        LOG.parent.mkdir(exist_ok=True)
        with LOG.open("a") as file:
            file.write(json.dumps({"run": run, "found": log[run]}) + "\n")
    return log[run]


def rows(log):
    hosts = [importlib.import_module(f"approximate_{name}").HOST for name in HOSTS]
    for target in TARGETS.values():
        for method in methods_for(target, OPTIONS.num_categories):
            cells = target.label, method.label, *entries(log, hosts, method, target)
            yield "| " + " | ".join(map(str, cells)) + " |"


def entries(log, hosts, method, target):
    """The number of categories, the step size, and the distance in each host."""
    name = target.name, *method
    work = method, target, OPTIONS
    rate = None
    if method.trained:
        choose = partial(choose_rate, hosts[0], *work, SILENT)
        rate = logged(log, (*name, "step size"), choose)
    found = [
        logged(log, (*name, host.name), partial(distances, host, *work, rate))
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
    table = "\n".join([HEADER, *rows(load_log())])
    print(table)
    before, rest = REPORT.read_text().split(BEGIN)
    after = rest.split(END)[1]
    REPORT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    main()
