"""The table of planted groups: how many components are used, without being told.

    python -m tests.benchmarks.planted_clusters

A linear decoder, whose codes cannot tell groups apart without components; with and
without the revision of components late in the training.
"""

import importlib
from functools import partial
from itertools import product

import numpy as np
import torch

from examples.dp_mixture_vae.options import MixtureOptions
from tests.benchmarks.report_table import EXAMPLES, to_header, to_row, write_table
from tests.benchmarks.run_log import RunLog
from tests.examples.planted import plant

HOSTS, REVISE_FROM = ("pyro", "numpyro"), (0, 60)
NUM_GROUPS, SEEDS, NUM_IMAGES = (3, 7, 15), (0, 1, 2), 1600
SETTINGS = {
    "num_epochs": 100,
    "capacity": 30,
    "encoder": (50, 50),
    "decoder": (),
    "latent_dim": 10,
    "spread": 2.0,
}
COLUMNS = ["planted groups", "host", "revision", "components used", "purity"]
HEADER = to_header(COLUMNS)


def find(host, num_groups, seed, revise_from, **settings):
    """The number of components that test images use, and their purity."""
    data, groups = plant(num_groups, NUM_IMAGES, seed)
    options = MixtureOptions(seed=seed, revise_from=revise_from, **SETTINGS | settings)
    learn = importlib.import_module(f"examples.dp_mixture_vae.vae_{host}").learn
    usage = usage_of_test(host, options, learn(options, data))
    component = usage.most_probable
    of_each = [np.bincount(groups[component == k]) for k in np.unique(component)]
    purity = sum(counts.max() for counts in of_each) / len(groups)
    return [len(usage.used), float(purity)]


def usage_of_test(host, options, trained):
    draw_usage = importlib.import_module(
        f"examples.dp_mixture_vae.revision_{host}"
    ).draw_usage
    rest = trained.prior, trained.test, options.rho, 20
    if host == "pyro":
        return draw_usage(trained.networks, *rest)
    return draw_usage(options.of_model(), trained.params, *rest, trained.key)


def rows():
    log = RunLog("planted_clusters")
    for num_groups, host, revise_from in product(NUM_GROUPS, HOSTS, REVISE_FROM):
        runs = [(host, num_groups, seed, revise_from) for seed in SEEDS]
        found = [log.get(run, partial(find, *run)) for run in runs]
        used, purity = zip(*found, strict=True)
        counts = ", ".join(map(str, used)), ", ".join(f"{p:.0%}" for p in purity)
        yield to_row([num_groups, host, "yes" if revise_from else "no", *counts])


def main():
    torch.set_num_threads(1)
    write_table("planted table", HEADER, rows(), EXAMPLES)


if __name__ == "__main__":
    main()
