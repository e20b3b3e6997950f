"""The bias of gradients through truncated values, beside its bound.

    python -m tests.benchmarks.truncation_bias

Sticks N(0, 1) at temperature 1; a value costs the sum of c_k z_k, its rest nothing.
The gradient in the means of the first 40 sticks, averaged over the samples, is
compared with that of the same noise at rho = 1: the largest difference over the means,
which a shift of at most 1 - rho of mass bounds by max |c_k| (1 - rho).
"""

import jax
import jax.numpy as jnp
import numpy as np
import torch

import numpyro_igr
import pyro_igr
from tests.benchmarks.report_table import TESTS, write_table

NUM_STICKS, BATCH, NUM_BATCHES, RHOS = 40, 20_000, 10, (0.9, 0.99, 0.999)
COSTS = {
    "cos k": np.append(np.cos(np.arange(1, NUM_STICKS + 1)), 0.0),
    "k": np.append(np.arange(1.0, NUM_STICKS + 1), 0.0),
}
HEADER = (
    "| rho | host | weights kept | bias, c = cos k | bound | bias, c = k |\n"
    "|---|---|---|---|---|---|"
)


def torch_run(seed, rho):
    torch.manual_seed(seed)
    loc = torch.zeros(NUM_STICKS, dtype=torch.float64, requires_grad=True)
    law = pyro_igr.InfiniteIGR(None, loc, torch.ones_like(loc), rho)
    value = law.rsample((BATCH,))
    gradients = [
        torch.autograd.grad((value @ torch.tensor(c)).mean(), loc, retain_graph=True)[0]
        for c in COSTS.values()
    ]
    return pyro_igr.num_active(value, rho).double().mean(), torch.stack(gradients)


@jax.jit
def jax_run(seed, rho):
    def costs(loc):
        law = numpyro_igr.InfiniteIGR(None, loc, jnp.ones(NUM_STICKS), rho)
        value = law.rsample(jax.random.key(seed), (BATCH,))
        active = numpyro_igr.num_active(value, rho).mean()
        return jnp.stack([(value @ c).mean() for c in COSTS.values()]), active

    gradients, active = jax.jacrev(costs, has_aux=True)(jnp.zeros(NUM_STICKS))
    return active, gradients


def means(run, rho):
    runs = [run(seed, rho) for seed in range(NUM_BATCHES)]
    return [np.mean([np.asarray(run[i]) for run in runs], 0) for i in (0, 1)]


def rows():
    for host, run in {"pyro": torch_run, "numpyro": jax_run}.items():
        _, exact = means(run, 1.0)
        for rho in RHOS:
            active, found = means(run, rho)
            bounded, unbounded = np.abs(found - exact).max(-1)
            bound = np.abs(COSTS["cos k"]).max() * (1 - rho)
            yield (
                f"| {rho} | {host} | {active:.2f} | {bounded:.1e} | {bound:.1e} "
                f"| {unbounded:.1e} |"
            )


def main():
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003
    write_table("truncation_bias", HEADER, sorted(rows()), TESTS)


if __name__ == "__main__":
    main()
