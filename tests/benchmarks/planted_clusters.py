"""The table of planted groups: how many components are used, without being told.

    python tests/benchmarks/planted_clusters.py

A linear decoder, whose codes cannot tell groups apart without components.
"""

import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parent.parent.parent
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
REPORT = ROOT / "examples" / "README.md"
BEGIN, END = "<!-- planted table -->", "<!-- end of planted table -->"
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
    table = "\n".join([HEADER, *map(row, NUM_GROUPS)])
    print(table)
    before, rest = REPORT.read_text().split(BEGIN)
    after = rest.split(END)[1]
    REPORT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    main()
