"""A Dirichlet-process mixture VAE, whose components are inferred, in Pyro.

The prior of the codes is an infinite mixture with the weights of a Dirichlet process.
Sticks are added during training, when samples of the weights or splits need them;
components are split, merged and deleted if that raises the bound of held-out images.

    python -m examples.dp_mixture_vae.vae_pyro
    python -m examples.dp_mixture_vae.vae_pyro --dataset mnist-5k --num-epochs 40
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import math
from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from pyro.distributions import Distribution
from pyro.infer import SVI
from pyro.optim import Adam
from torch import Tensor
from tqdm import tqdm

from examples.dp_mixture_vae.figures import save_figures
from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.objectives_pyro import (
    Objectives,
    make_objectives,
    make_prior,
)
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.record import Record
from examples.dp_mixture_vae.report import MixtureResult, format_report
from examples.dp_mixture_vae.training_pyro import fit, measure_growth
from examples.dp_mixture_vae.usage import neighbor_errors
from examples.dp_mixture_vae.usage_pyro import draw_usage
from examples.harness.run import LogLikelihood, run
from examples.harness.training_pyro import evaluate, open_device, seed_epoch
from examples.images.datasets import BinaryImages, load_binary_images, load_labels
from pyro_igr import assert_analytic_kl

NUM_DRAWS, NUM_SAMPLES = 100, 7


class Trained(NamedTuple):
    """Trained networks, and the images that it has not seen."""

    objectives: Objectives
    networks: Networks
    prior: Distribution
    record: Record
    shape: tuple[int, int]
    images: Tensor
    validation: Tensor
    test: Tensor
    seconds: float


def learn(options: MixtureOptions, data: BinaryImages) -> Trained:
    """Train on the images."""
    device = open_device(options.device)
    shape, *splits = data
    images, validation, test = (torch.from_numpy(split).to(device) for split in splits)
    pyro.clear_param_store()
    seed_epoch(options.seed, 0)
    networks = Networks(options, math.prod(shape)).to(device)
    optimizer = Adam({"lr": options.learning_rate})
    objectives = make_objectives(
        networks, len(images), optimizer, options.num_importance_samples
    )
    svi, prior = objectives.training, make_prior(options, device)
    assert_analytic_kl(svi.model, svi.guide, images[:1], prior)
    start = perf_counter()
    record = fit(options, networks, svi, prior, images, validation)
    seconds = perf_counter() - start
    seed_epoch(options.seed, len(record.growth) + 1)
    splits = images, validation, test
    return Trained(objectives, networks, prior, record, shape, *splits, seconds)


@torch.no_grad()
def decode(networks: Networks, num_samples: int) -> Tensor:
    """The pixels of the mean of each component, and of samples from it."""
    means = networks.all_means().unsqueeze(1)
    noise = torch.randn(len(means), num_samples, means.shape[-1], device=means.device)
    return networks.decode(torch.cat([means, means + noise], 1)).sigmoid()


def log_likelihoods(
    svi: SVI, prior: Distribution, images: Tensor
) -> NDArray[np.floating]:
    """The importance-weighted bound of each image, one by one, with a progress bar."""
    progress = tqdm(images.split(1), unit=" test images", disable=None)
    return -np.array([svi.evaluate_loss(image, prior) for image in progress])


def train(options: MixtureOptions) -> MixtureResult:
    """Train, score and draw a mixture VAE.

    ValueError or OSError say which file, option or device is of no use.
    """
    start = perf_counter()
    objectives, networks, prior, record, shape, *splits, seconds = learn(
        options, load_binary_images(options)
    )
    images, validation, test = splits
    bounds = [evaluate(objectives.bound, prior, x) for x in (validation, test)]
    weighted = log_likelihoods(objectives.log_likelihood, prior, test)
    usage = draw_usage(networks, prior, test, options.rho, NUM_DRAWS)
    codes = draw_usage(networks, prior, images, options.rho, NUM_DRAWS).codes
    labels, test_labels = load_labels(options)
    if options.figures:
        decoded = decode(networks, NUM_SAMPLES).numpy(force=True)
        pixels = test.numpy(force=True)
        drawn = usage, record, pixels, decoded, options.seed
        save_figures(options.figure, shape, *drawn)
    return MixtureResult(
        *bounds,
        LogLikelihood.from_bounds(weighted),
        usage,
        record,
        measure_growth(networks, usage),
        neighbor_errors(codes, labels, usage.codes, test_labels),
        networks.encode_concentration(prior).mean.item(),
        seconds,
        perf_counter() - start,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/dp_mixture_vae_pyro"
    run(MixtureOptions, train, format_report, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
