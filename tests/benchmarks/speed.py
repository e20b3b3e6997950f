"""What training steps cost beside their peers: `tests/benchmarks/README.md`.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.speed [pyro] [numpyro]
    python -m tests.benchmarks.speed cuda [pyro] [numpyro]

In single precision on one thread and in one process, by ``torch.utils.benchmark``: the
entries of a row take turns, after a warm-up; medians over the turns, and the quartiles
of the ratio within a turn.
"""

import os

os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import importlib
import statistics
import sys

import jax
import pyro
import torch
from torch.utils.benchmark import Timer

from tests.benchmarks.report_table import (
    BENCHMARKS,
    machine,
    to_header,
    to_row,
    write_table,
)

SMALL, LARGE, WIDE = (100, 20, 10), (1000, 20, 10), (100, 20, 1000)
PEER = "Gumbel-Softmax"
HEADER = to_header(["what", "over", "shape", "host", "ms", "peer, ms", "ratio"])


def turns(entries, repeats, seconds):
    """Milliseconds of each entry in each turn."""
    timers = [Timer("run()", globals={"run": run}) for run in entries]
    numbers = [max(1, int(seconds / timer.timeit(2).mean)) for timer in timers]
    return [
        [1e3 * timer.timeit(n).mean for timer, n in zip(timers, numbers, strict=True)]
        for _ in range(repeats)
    ]


def rows_of(what, over, shape, host, entry, peer, repeats=21, seconds=0.1):
    """A row of the table: an entry beside its peer."""
    times = turns([entry, peer], repeats, seconds)
    first, second = (statistics.median(column) for column in zip(*times, strict=True))
    low, middle, high = statistics.quantiles([a / b for a, b in times], n=4)
    ratio = f"{middle:.2f} ({low:.2f}-{high:.2f})"
    return to_row([what, over, shape, host, f"{first:.2f}", f"{second:.2f}", ratio])


def rows(host):
    """All rows of a host."""
    pyro.enable_validation(False)
    entries = importlib.import_module(f"tests.benchmarks.speed_{host}")
    for family in entries.OURS:
        run, peer = (entries.discrete_kl(x, SMALL) for x in (family, PEER))
        yield rows_of(f"{family}: sample and discrete KL", PEER, SMALL, host, run, peer)
    for family, over in [("IGR", "sticks"), ("sticks", PEER)]:
        run, peer = (entries.vae_step(x) for x in (family, over))
        yield rows_of(f"{family}: VAE, discrete KL", over, SMALL, host, run, peer)
    for family in entries.OURS:
        for shape in (SMALL, LARGE, WIDE):
            run, peer = (entries.relaxed_kl(x, shape) for x in (family, PEER))
            what = f"{family}: sample and relaxed KL"
            yield rows_of(what, PEER, shape, host, run, peer)
    run, peer = entries.svi_step(), entries.bare_step()
    yield rows_of("sticks: VAE, relaxed KL", "bare arrays", SMALL, host, run, peer)
    run, peer = entries.relax_step(), entries.relax_step()
    yield rows_of("IGR: step of RELAX", "itself", (3,), host, run, peer)


def main(*words):
    torch.set_num_threads(1)
    device, *hosts = words if words[:1] == ("cuda",) else ("cpu", *words)
    torch.set_default_device(device)
    assert device == jax.default_backend().replace("gpu", "cuda")
    table = (row for host in hosts or ("numpyro", "pyro") for row in rows(host))
    header = f"{machine(device)}\n\n{HEADER}"
    write_table(f"speed on {device}", header, table, BENCHMARKS)


if __name__ == "__main__":
    main(*sys.argv[1:])
