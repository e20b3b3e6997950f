"""The table of groups: how many components are used, without being told.

    python -m tests.benchmarks.planted_clusters
    python -m tests.benchmarks.planted_clusters --host numpyro
    python -m tests.benchmarks.planted_clusters --write

Each run is a line of `runs/planted_clusters.jsonl`, so that a killed command goes on
from there: a seed of all data at a time, but those last that take longest. In the end,
or at once with `--write`, the runs that there are become the table. Settings were
chosen on other seeds than those of the table.
"""

import argparse
import importlib
import warnings
from functools import partial
from itertools import product
from time import perf_counter

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import BayesianGaussianMixture

from examples.dp_mixture_vae.options import MixtureOptions
from tests.benchmarks.clustered_images import DATA
from tests.benchmarks.report_table import EXAMPLES, to_header, to_row, write_table
from tests.benchmarks.run_log import RunLog

HOSTS, SEEDS, TUNING_SEED = ("pyro", "numpyro"), (0, 1, 2), 100
MIN_SHARE, MOST_COMPONENTS, NUM_DRAWS = 0.01, 60, 20
COVARIANCES, DIMENSIONS = ("full", "diag", "spherical"), (5, 10, 20, 40)
COLUMNS = ["images", "groups", "method", "components", "purity", "adjusted Rand", "s"]


def find(host, data, **settings):
    """What a run of the mixture VAE makes of images, and how long it takes."""
    images, groups = data
    options = MixtureOptions(**settings)
    module = importlib.import_module(f"examples.dp_mixture_vae.vae_{host}")
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the last revision left")
        trained = module.learn(options, images)
    seconds = perf_counter() - start
    found = scores(component_of_test(host, options, trained), groups)
    found |= {"seconds": seconds}
    return found | {"is_growing": trained.record.is_growing}


def scores(component, groups):
    """The components with a hundredth of the images, and how they fit the groups."""
    counts = np.unique(component, return_counts=True)[1]
    of_each = [np.bincount(groups[component == k]) for k in np.unique(component)]
    return {
        "used": int(np.sum(counts >= MIN_SHARE * len(groups))),
        "purity": float(sum(each.max() for each in of_each) / len(groups)),
        "rand": float(adjusted_rand_score(groups, component)),
    }


def component_of_test(host, options, trained):
    """The component that has the largest share of the bound of each test image.

    Shares by the encoder add up to the weights; which component it thinks an image is
    of is a guess that no decoder has checked.
    """
    revision = importlib.import_module(f"examples.dp_mixture_vae.revision_{host}")
    rest, images = (options.rho, NUM_DRAWS), trained.test
    if host == "pyro":
        networks = trained.networks
        usage = revision.draw_usage(networks, trained.prior, images, *rest)
        with torch.no_grad():
            means = networks.all_means().numpy()
            fits = revision.measure(networks, images, means)
    else:
        of, key = (options.of_model(), trained.params), trained.key
        usage = revision.draw_usage(*of, trained.prior, images, *rest, key)
        means = np.append(of[1]["means"], [[0.0] * options.latent_dim], 0)
        fits = np.asarray(revision.measure(*of, images, key, means))
    weights = usage.probs.mean((0, 1), np.float64)
    return (fits + np.log(np.maximum(weights, np.finfo(float).tiny))).argmax(-1)


def find_gaussian(covariance, dimensions, data, seed):
    """What scikit-learn's mixture makes of so many principal components."""
    (_, train, validation, test), groups = data
    start = perf_counter()
    known = np.concatenate([train, validation])
    pca = PCA(dimensions, random_state=seed).fit(known)
    mixture = BayesianGaussianMixture(
        n_components=MOST_COMPONENTS,
        covariance_type=covariance,
        max_iter=500,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mixture.fit(pca.transform(known))
    seconds = perf_counter() - start
    found = scores(mixture.predict(pca.transform(test)), groups)
    return found | {"seconds": seconds, "is_growing": False}


def runs_of(log, data, seed, hosts, *, is_dry=False):
    """The runs of a seed, by method; dry ones are those that the log has."""

    def get(run, make):
        return log.found.get(run) if is_dry else log.get(run, make)

    found, key = {}, (data.name, data.groups)
    for capacity, host in product(data.capacities, hosts):
        choice = {"capacity": capacity, "seed": seed} | data.settings
        run = (*key, host, capacity, seed)
        make = partial(lambda h, c: find(h, data.make(seed), **c), host, choice)
        found[f"{host}, from {capacity}"] = get(run, make)
    for covariance in COVARIANCES:
        tried = {}
        for dimensions in DIMENSIONS:
            run = (*key, covariance, dimensions)
            of = covariance, dimensions
            make = partial(
                lambda c, d, s: find_gaussian(c, d, data.make(s), s), *of, TUNING_SEED
            )
            tried[dimensions] = get((*run, TUNING_SEED), make)
        if all(tried.values()):
            best = max(tried, key=lambda each: tried[each]["rand"])
            run, of = (*key, covariance, best, seed), (covariance, best)
            make = partial(lambda c, d: find_gaussian(c, d, data.make(seed), seed), *of)
            found[f"Gaussian mixture, {covariance}"] = get(run, make)
    return found


def rows(log):
    """A row for each method and data that there are runs of."""
    for data in DATA:
        of_seeds = [runs_of(log, data, seed, HOSTS, is_dry=True) for seed in SEEDS]
        for method in dict.fromkeys(name for runs in of_seeds for name in runs):
            found = [runs[method] for runs in of_seeds if runs.get(method)]
            if found:
                yield to_row([data.name, data.groups, method, *cells(found)])


def cells(found):
    """Components by seed, marked if they were still growing, and means of the rest."""
    used = [f"{run['used']}{'+' * run['is_growing']}" for run in found]
    means = {k: np.mean([run[k] for run in found]) for k in found[0] if k != "used"}
    purity, rand = f"{means['purity']:.1%}", f"{means['rand']:.3f}"
    return [", ".join(used), purity, rand, f"{means['seconds']:.0f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--host", choices=HOSTS, help="run this one alone")
    parser.add_argument("--write", action="store_true", help="run nothing more")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    log = RunLog("planted_clusters")
    if not arguments.write:
        hosts = (arguments.host,) if arguments.host else HOSTS
        order = sorted(product(SEEDS, DATA), key=lambda of: of[1] is DATA[-1])
        for seed, data in order:
            for method, run in runs_of(log, data, seed, hosts).items():
                print(data.name, data.groups, seed, method, run, flush=True)
    write_table(
        "planted table", to_header(COLUMNS), rows(RunLog(log.path.stem)), EXAMPLES
    )


if __name__ == "__main__":
    main()
