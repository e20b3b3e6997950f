"""What a second worker gains in Pyro, and whether the scores stay: a table.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.workers

The discrete VAE by `torchrun` with one worker and with two, each of one thread, for
several seeds. The time of an epoch is the difference of two runs over that of their
epochs, so that starting is left out.
"""

import re
import statistics
import subprocess
import sys
from time import perf_counter

from tests.benchmarks.report_table import (
    BENCHMARKS,
    machine,
    to_header,
    to_row,
    with_spread,
    write_table,
)

WORKERS, SEEDS, FEW, MANY = (1, 2), (0, 1, 2), 2, 22
HEADER = to_header(["workers", "seconds an epoch", "discrete ELBO", "IWAE-100"])
RUN = [
    *(
        "--architecture",
        "512-256",
        "--family",
        "gumbel-softmax",
        "--batch-size",
        "1000",
    ),
    *("--decay", "none", "--no-figures", "--num-importance-samples", "100"),
]
FOUND = r"one-hot codes \(ELBO\) +\S+ +(\S+).*IWAE-100\) +(\S+)"


def run(workers, seed, num_epochs):
    """The seconds of a run, and its two scores."""
    start = perf_counter()
    torchrun = "torch.distributed.run", "--standalone", f"--nproc_per_node={workers}"
    module = "-m", "examples.discrete_vae.vae_pyro"
    options = *RUN, "--seed", str(seed), "--num-epochs", str(num_epochs)
    command = [sys.executable, "-m", *torchrun, *module, *options]
    out = subprocess.run(command, check=True, text=True, capture_output=True).stdout
    return perf_counter() - start, re.search(FOUND, out, re.DOTALL).groups()


def row(workers):
    """The row of so many workers."""
    starts = [run(workers, seed, FEW)[0] for seed in SEEDS]
    whole = [run(workers, seed, MANY) for seed in SEEDS]
    seconds = [
        (time - start) / (MANY - FEW)
        for start, (time, _) in zip(starts, whole, strict=True)
    ]
    scores = zip(*(map(float, scores) for _, scores in whole), strict=True)
    spread = map(with_spread, scores)
    return to_row([workers, f"{statistics.median(seconds):.2f}", *spread])


def main():
    header = f"{machine()}\n\n{HEADER}"
    write_table("workers", header, map(row, WORKERS), BENCHMARKS)


if __name__ == "__main__":
    main()
