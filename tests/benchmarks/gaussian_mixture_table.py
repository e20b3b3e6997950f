"""The table of the mixture of Gaussians: components found in tables, beside rivals.

    python -m tests.benchmarks.gaussian_mixture_table

Every run is one line of a log, so that a killed one continues.
"""

import importlib
from functools import partial
from itertools import product
from time import perf_counter

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score

from examples.dp_mixture.inference import Options, infer
from examples.dp_mixture.points import load_points
from examples.dp_mixture.report import COVARIANCES, rival
from tests.benchmarks.report_table import EXAMPLES, to_header, to_row, write_table
from tests.benchmarks.run_log import RunLog

DATA, SEEDS = ("iris", "wine", "diabetes"), (0, 1, 2)
STARTS = {"pyro": 3, "numpyro": 20}
COLUMNS = ["points", "groups", "found by", "components", "adjusted Rand index", "time"]
HEADER = to_header(COLUMNS)


def find(host, capacity, name, seed):
    """The number of components, the agreement, seconds and doubts of a run."""
    program = importlib.import_module(f"examples.dp_mixture.mixture_{host}")
    options = Options(dataset=name, capacity=capacity, seed=seed)
    points = load_points(name, options.dimensions)
    found = infer(program.HOST, points, options)
    return [found.num_used, agreement(points, found.labels), found.seconds]


def find_by_rival(kind, name, seed):
    """The same of scikit-learn's mixture."""
    points, began = load_points(name, Options.dimensions), perf_counter()
    labels = rival(points, kind, seed)
    number = len(np.unique(labels))
    return [number, agreement(points, labels), perf_counter() - began]


def agreement(points, labels):
    if points.labels is None:
        return None
    return float(adjusted_rand_score(points.labels, labels))


def rows():
    log = RunLog("gaussian_mixture_table")
    ways = {
        f"{host}, start with {capacity}": (find, host, capacity)
        for host, capacity in STARTS.items()
    }
    ways |= {
        f"BayesianGaussianMixture, {kind}": (find_by_rival, kind)
        for kind in COVARIANCES
    }
    for name, (way, (make, *of)) in product(DATA, ways.items()):
        runs = [(*of, name, seed) for seed in SEEDS]
        found = [log.get(run, partial(make, *run)) for run in runs]
        numbers, indices, seconds = zip(*found, strict=True)
        labels = load_points(name, 1).labels
        yield to_row(
            [
                name,
                "" if labels is None else labels.max() + 1,
                way,
                ", ".join(map(str, numbers)),
                "" if labels is None else ", ".join(f"{x:.2f}" for x in indices),
                f"{np.mean(seconds):.0f} s",
            ]
        )


def main():
    torch.set_num_threads(1)
    write_table("gaussian mixtures", HEADER, rows(), EXAMPLES)


if __name__ == "__main__":
    main()
