"""What a member of a grid costs beside a single run: `tests/benchmarks/README.md`.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.grid

Linear VAEs of 20 sticks of 10 categories, batches of 100 images, single precision, one
thread; processor time, single runs and grids by turns, medians over the turns.
"""

import os

os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import statistics
from time import process_time

import jax
import jax.numpy as jnp
import numpy as np
from jax import random

from examples.discrete_vae.codes_numpyro import make_prior
from examples.discrete_vae.options import Options
from examples.harness.grid_numpyro import Members, start_grid, train_grid_epoch
from examples.harness.training_numpyro import initialize, train_epoch
from examples.study.members_numpyro import make_program
from tests.benchmarks.report_table import BENCHMARKS, to_header, to_row, write_table

COUNTS, TURNS, STEPS, BATCH, PIXELS = (1, 4, 16), 9, 10, 100, 784
RATES = 1e-3, 1e-3
HEADER = to_header(["members", "ms a step and member", "ms a step, single", "ratio"])
OPTIONS = Options(family="igr-sb", estimator="discrete-kl", decay="none")


def milliseconds(run, members=1):
    """Of the processor, for a step of a member."""
    start = process_time()
    jax.block_until_ready(run())
    return 1e3 * (process_time() - start) / (STEPS * members)


def single(make_svi, prior, images):
    """An epoch of one run."""
    svi, key = make_svi(RATES), random.PRNGKey(0)
    state = initialize(svi, prior, images[:BATCH], key)
    return lambda: train_epoch(svi, prior, images, BATCH, state, key)


def together(make_svi, prior, images, count):
    """An epoch of so many runs."""
    members = Members.stack([Members(seed, RATES, prior) for seed in range(count)])
    states = start_grid(make_svi, members, images[:BATCH])
    return lambda: train_grid_epoch(make_svi, members, images, BATCH, states, 0)


def rows():
    """A row for each size of a grid."""
    rng = np.random.default_rng(0)
    images = jnp.array(rng.random((STEPS * BATCH, PIXELS)) < 0.2, jnp.float32)
    of = make_program(OPTIONS, images), make_prior(OPTIONS), images
    entries = [(single(*of), 1), *((together(*of, n), n) for n in COUNTS)]
    for entry in entries:
        milliseconds(*entry)
    turns = [[milliseconds(*entry) for entry in entries] for _ in range(TURNS)]
    alone, *grids = zip(*turns, strict=True)
    for count, times in zip(COUNTS, grids, strict=True):
        ratios = [a / b for a, b in zip(times, alone, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        medians = [f"{statistics.median(x):.2f}" for x in (times, alone)]
        yield to_row([count, *medians, f"{middle:.2f} ({low:.2f}-{high:.2f})"])


if __name__ == "__main__":
    write_table("grid", HEADER, rows(), BENCHMARKS)
