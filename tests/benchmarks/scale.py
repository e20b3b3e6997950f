"""What many categories cost in time and memory: `tests/benchmarks/README.md`.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.scale [pyro] [numpyro]

Each cost is measured in a process of its own, whose peak of resident memory is read
before and after: what a program takes beside its inputs, compiled code included.
"""

import importlib
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np

from tests.benchmarks.report_table import (
    BENCHMARKS,
    machine,
    to_header,
    to_row,
    write_table,
)

FAMILIES = "IGR", "sticks", "Gumbel-Softmax"
FUNCTIONS = "argmax_probs", "match_probs", "stick_probs"
LARGE = 100, 10_000
CATEGORIES, BATCHES = (10, 100, 1000, 10_000), (1, 10, 100, 1000)
COSTS = to_header(["what", "family", "host", "ms", "over the peer", "peak MB"])
GROWTH = to_header(["function", "host", "over K", "over the batch"])


def peak():
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(host, what, name, batch, categories):
    """Milliseconds, the least of three runs if they are short, and megabytes."""
    entries = importlib.import_module(f"tests.benchmarks.scale_{host}")
    run = getattr(entries, what)(name, (batch, categories))
    before = peak()
    run()
    times = []
    while len(times) < 3 and sum(times) < 1:
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return 1e3 * min(times), peak() - before


def apart(*arguments):
    """The same in a process of its own."""
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    command = [sys.executable, "-m", "tests.benchmarks.scale", "one"]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        env={**os.environ, "XLA_FLAGS": flags},
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


def costs(host):
    """Rows of the table of costs."""
    for what, said in [
        ("discrete_kl", "sample, discrete KL and gradient"),
        ("from_probs", "`from_probs`"),
    ]:
        families = FAMILIES if what == "discrete_kl" else FAMILIES[:2]
        found = {family: apart(host, what, family, *LARGE) for family in families}
        for family, (ms, megabytes) in found.items():
            peer = found.get(FAMILIES[2])
            ratio = f"{ms / peer[0]:.1f}" if peer else ""
            yield to_row([said, family, host, f"{ms:.0f}", ratio, f"{megabytes:.0f}"])


def exponent(sizes, times):
    """The slope of log time over log size, by least squares."""
    return np.polyfit(np.log(sizes), np.log(times), 1)[0]


def growth(host):
    """Rows of the table of exponents, in one process."""
    for name in FUNCTIONS:
        over = [
            [measure(host, "function", name, 10, k)[0] for k in CATEGORIES],
            [measure(host, "function", name, b, 100)[0] for b in BATCHES],
        ]
        slopes = (exponent(*p) for p in zip((CATEGORIES, BATCHES), over, strict=True))
        yield to_row([f"`{name}`", host, *(f"{slope:.2f}" for slope in slopes)])


def main(*hosts):
    hosts = hosts or ("numpyro", "pyro")
    for name, header, rows in [("scale", COSTS, costs), ("growth", GROWTH, growth)]:
        header = f"{machine()}\n\n{header}"
        write_table(name, header, (r for h in hosts for r in rows(h)), BENCHMARKS)


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        host, what, name, *shape = sys.argv[2:]
        print(json.dumps(measure(host, what, name, *map(int, shape))))
    else:
        main(*sys.argv[1:])
