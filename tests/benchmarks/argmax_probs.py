"""The time of argmax_probs beside that of Monte-Carlo frequencies, on one core.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.argmax_probs

Medians of CPU time over repeats after a warm-up, in single precision. The peer draws
10,000 samples and counts their largest entries: a standard error of up to 0.005, and no
gradient.
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
import torch

import numpyro_igr
import pyro_igr
from tests.benchmarks.report_table import TESTS, write_table

REPEATS, NUM_SAMPLES, SIZES = 21, 10_000, (10, 100, 1000)
HEADER = (
    "| K | host | argmax_probs | with gradient | 10,000 samples | ratio |\n"
    "|---|---|---|---|---|---|"
)


def milliseconds(run, *arguments):
    times = []
    for _ in range(REPEATS + 2):
        start = process_time()
        run(*arguments)
        times.append(1000 * (process_time() - start))
    return statistics.median(times[2:])


def torch_runs():
    def gradient(loc, scale):
        loc = loc.requires_grad_()
        torch.autograd.grad(pyro_igr.argmax_probs(loc, scale)[0], loc)

    def sample(loc, scale):
        y = loc + scale * torch.randn(NUM_SAMPLES, len(loc))
        last = torch.zeros(NUM_SAMPLES, 1)
        return torch.cat([y, last], -1).argmax(-1).bincount(minlength=len(loc) + 1)

    return pyro_igr.argmax_probs, gradient, sample


def jax_runs():
    key = jax.random.key(0)

    def sample(loc, scale):
        y = loc + scale * jax.random.normal(key, (NUM_SAMPLES, len(loc)))
        y = jnp.concatenate([y, jnp.zeros((NUM_SAMPLES, 1))], -1)
        return jnp.bincount(y.argmax(-1), length=len(loc) + 1)

    gradient = jax.grad(lambda loc, scale: numpyro_igr.argmax_probs(loc, scale)[0])

    def compiled(run):
        fast = jax.jit(run)
        return lambda *arguments: fast(*arguments).block_until_ready()

    return [compiled(run) for run in (numpyro_igr.argmax_probs, gradient, sample)]


HOSTS = {
    "pyro": (torch_runs, torch.from_numpy),
    "numpyro": (jax_runs, jnp.asarray),
}


def rows():
    for k in SIZES:
        rng = np.random.default_rng(k)
        loc = rng.normal(size=k - 1).astype(np.float32)
        scale = np.exp(0.3 * rng.normal(size=k - 1)).astype(np.float32)
        for host, (runs, array) in HOSTS.items():
            plain, gradient, sample = (
                milliseconds(run, array(loc), array(scale)) for run in runs()
            )
            yield (
                f"| {k} | {host} | {plain:.2f} ms | {gradient:.2f} ms "
                f"| {sample:.2f} ms | {plain / sample:.2f} |"
            )


def main():
    torch.set_num_threads(1)
    write_table("argmax_probs", HEADER, rows(), TESTS)


if __name__ == "__main__":
    main()
