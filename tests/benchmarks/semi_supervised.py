"""The table of the semi-supervised VAE, in tests/README.md: digits with 100 labels.

    python -m tests.benchmarks.semi_supervised [--workers 1]

The class of an image is a latent variable, observed for ten images of each digit. What
is compared is how its posterior is trained: by relaxed samples with the discrete KL, of
two families of IGR and of Gumbel-Softmax, and by summing over the ten classes. For each
method the temperature and the learning rate are those with the best discrete ELBO of
validation images, over the tuning seeds of NumPyro; other seeds and the test images
make the table. Every run is one line of a log, so that a killed run continues.
"""

import argparse
import importlib
import statistics
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from examples.images.datasets import binarize, load_dataset
from tests.benchmarks.report_table import (
    TESTS,
    to_header,
    to_row,
    with_spread,
    write_table,
)
from tests.benchmarks.run_log import RunLog

METHODS = "IGR-SB (sticks)", "IGR", "Gumbel-Softmax", "enumeration"
HOSTS = "numpyro", "pyro"
TEMPERATURES, LEARNING_RATES = (0.1, 0.25, 0.5, 1.0), (1e-3, 3e-3)
TUNING_SEEDS, TEST_SEEDS = (100, 101), (0, 1, 2)
NUM_EPOCHS, BATCH_SIZE, PER_CLASS, CLASSES = 100, 100, 10, 10


class Choice(NamedTuple):
    """What a run trains, and how."""

    method: str
    temperature: float
    learning_rate: float
    seed: int


class Data(NamedTuple):
    """Binary images with one-hot classes; those of `unlabeled` are not looked at."""

    labeled: tuple[np.ndarray, np.ndarray]
    unlabeled: np.ndarray
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def load(seed):
    """The digits, with ten labels a class, chosen by the seed."""
    digits = load_dataset("digits")
    train, *others = digits.train, digits.validation, digits.test
    order = np.random.default_rng(seed).permutation(len(train.labels))
    labels = train.labels[order]
    first = np.concatenate([np.where(labels == k)[0][:PER_CLASS] for k in range(10)])
    one_hot = np.eye(CLASSES, dtype=np.float32)
    images = binarize(train.images[order])
    held_out = [(binarize(s.images), one_hot[s.labels]) for s in others]
    return Data((images[first], one_hot[labels[first]]), images, *held_out)


def batches(data, seed):
    """Batches of the unlabeled images, epoch after epoch."""
    rng = np.random.default_rng(seed)
    for _ in range(NUM_EPOCHS):
        order = rng.permutation(len(data.unlabeled))
        for start in range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE):
            yield data.unlabeled[order[start : start + BATCH_SIZE]]


def find(host, choice):
    """Trains; accuracy and discrete ELBO of the validation and of the test images."""
    train = importlib.import_module(f"tests.benchmarks.semi_supervised_{host}").train
    data = load(choice.seed)
    accuracy_and_elbo = train(choice, data, batches(data, choice.seed))
    names = "validation accuracy", "validation", "accuracy", "test"
    held_out = *accuracy_and_elbo(*data.validation), *accuracy_and_elbo(*data.test)
    return dict(zip(names, map(float, held_out), strict=True))


def grid(method):
    """The choices of a method: enumeration has no temperature."""
    temperatures = TEMPERATURES if method != "enumeration" else (1.0,)
    return product(temperatures, LEARNING_RATES)


def best(log, method):
    """The temperature and learning rate with the best mean validation ELBO."""

    def mean(settings):
        runs = [run(log, "numpyro", Choice(method, *settings, s)) for s in TUNING_SEEDS]
        return statistics.mean(found["validation"] for found in runs)

    return max(grid(method), key=mean)


def run(log, host, choice):
    return log.get((host, *choice), partial(find, host, choice))


def prepare(log, workers, runs):
    """Makes the runs that the log lacks, several at once."""
    missing = [(h, c) for h, c in runs if (h, *c) not in log.found]
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    with pool:
        futures = [pool.submit(find, *job) for job in missing]
        for (host, choice), future in zip(missing, futures, strict=True):
            log.get((host, *choice), future.result)


def rows(log, workers):
    tuning = [
        ("numpyro", Choice(method, *settings, seed))
        for method in METHODS
        for settings in grid(method)
        for seed in TUNING_SEEDS
    ]
    prepare(log, workers, tuning)
    chosen = {method: best(log, method) for method in METHODS}
    final = [
        (host, Choice(method, *chosen[method], seed))
        for method, host, seed in product(METHODS, HOSTS, TEST_SEEDS)
    ]
    prepare(log, workers, final)
    for method, host in product(METHODS, HOSTS):
        temperature, rate = chosen[method]
        runs = [
            run(log, host, Choice(method, temperature, rate, s)) for s in TEST_SEEDS
        ]
        accuracy = with_spread([100 * r["accuracy"] for r in runs], 1)
        tau = temperature if method != "enumeration" else ""
        elbo = with_spread([r["test"] for r in runs])
        yield to_row([method, host, tau, rate, accuracy, elbo])


HEADER = to_header(
    ["posterior of the class", "host", "temperature", "rate", "accuracy, %", "ELBO"]
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=1, help="runs at once")
    workers = parser.parse_args().workers
    log = RunLog("semi_supervised")
    write_table("semi-supervised table", HEADER, rows(log, workers), TESTS)


if __name__ == "__main__":
    main()
