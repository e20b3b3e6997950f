"""The table of larger images in the examples' results, with the networks of the paper.

    python -m tests.benchmarks.dp_mixture_images --data-dir FOLDER

A few epochs each, of one seed, in the NumPyro twin. Runs are kept in checkpoints and
their scores in a log, so that a killed one continues; their figures are beside them.
"""

import argparse
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.vae_numpyro import train
from tests.benchmarks.report_table import EXAMPLES, to_header, to_row, write_table
from tests.benchmarks.run_log import RunLog

DATASETS = "mnist", "fashion-mnist"
FAMILIES = {"IGR-SB-MM": "igr-sb", "DLDPMM": "dldpmm"}
COMMON = {"num_epochs": 5, "revise_from": 3, "revise_every": 1, "truncation": 15}
COLUMNS = ["images", "family", "ELBO", "IWAE-1000", "used", "for 99%", "overflow"]
COLUMNS += ["k-NN error: 3, 5, 10", "training"]
HEADER = to_header(COLUMNS)


def find(options):
    """What the table shows of a run, which goes on from its checkpoint."""
    result = train(replace(options, resume=options.checkpoint.exists()))
    last, (mean, error) = result.growth[-1], result.log_likelihood[:2]
    return [
        f"{result.test:.2f}",
        f"{mean:.2f} ± {error:.2f}",
        last.used,
        f"{last.needed:.1f}",
        f"{last.overflow:.1%}",
        ", ".join(f"{error:.1%}" for error in result.neighbor_errors.values()),
        f"{result.training_seconds / 60:.0f} min",
    ]


def row(log, data_dir, dataset, name):
    """The scores of a distribution on some images."""
    path = log.path.with_name("-".join(["dp", dataset, FAMILIES[name]]))
    options = MixtureOptions(
        dataset=dataset,
        data_dir=data_dir,
        family=FAMILIES[name],
        checkpoint=path,
        figures=path.with_suffix(".figures"),
        **COMMON,
    )
    run = dataset, FAMILIES[name], *COMMON.values()
    return to_row([dataset, name, *log.get(run, partial(find, options))])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with the data sets")
    data_dir = parser.parse_args().data_dir
    log = RunLog("dp_mixture_images")
    rows = (row(log, data_dir, *each) for each in product(DATASETS, FAMILIES))
    write_table("image mixtures", HEADER, rows, EXAMPLES)


if __name__ == "__main__":
    main()
