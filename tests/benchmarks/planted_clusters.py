"""The table of planted groups: how many components are used, without being told.

    python tests/benchmarks/planted_clusters.py

A linear decoder, whose codes cannot tell groups apart without components.
"""

import sys

import numpy as np
import torch
from report_table import EXAMPLES, ROOT, write_table

sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "tests")]

from dp_mixture_vae_pyro import learn  # noqa: E402
from mixture_options import MixtureOptions  # noqa: E402
from mixture_usage_pyro import draw_usage  # noqa: E402
from planted import plant  # noqa: E402

NUM_GROUPS, SEEDS, NUM_IMAGES = (3, 7, 15), (0, 1, 2), 1600
SETTINGS = {
    "num_epochs": 100,
    "capacity": 30,
    "encoder": (50, 50),
    "decoder": (),
    "latent_dim": 10,
    "spread": 2.0,
}
HEADER = "| planted groups | components used | purity |\n|---|---|---|"


def find(num_groups, seed, **settings):
    """The number of components that test images use, and their purity."""
    data, groups = plant(num_groups, NUM_IMAGES, seed)
    options = MixtureOptions(seed=seed, **SETTINGS | settings)
    trained = learn(options, data)
    usage = draw_usage(trained.networks, trained.prior, trained.test, options.rho, 20)
    component = usage.most_probable
    of_each = [np.bincount(groups[component == k]) for k in np.unique(component)]
    return len(usage.used), sum(counts.max() for counts in of_each) / len(groups)


def row(num_groups):
    used, purity = zip(*(find(num_groups, seed) for seed in SEEDS), strict=True)
    return (
        f"| {num_groups} | {', '.join(map(str, used))} "
        f"| {', '.join(f'{p:.0%}' for p in purity)} |"
    )


def main():
    torch.set_num_threads(1)
    write_table("planted table", HEADER, map(row, NUM_GROUPS), EXAMPLES)


if __name__ == "__main__":
    main()
