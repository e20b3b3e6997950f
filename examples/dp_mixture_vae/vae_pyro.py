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

import io
import math
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from pyro.distributions import Delta, Distribution, Gamma
from pyro.infer import SVI, RenyiELBO, TraceMeanField_ELBO
from pyro.optim import Adam, PyroOptim
from torch import Tensor
from tqdm import tqdm, trange

from examples.dp_mixture_vae.mixture_pyro import Mixture, MixtureOfOne, Networks
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.report import (
    Growth,
    MixtureResult,
    Record,
    Usage,
    format_report,
    neighbor_errors,
    save_figures,
)
from examples.dp_mixture_vae.revision_pyro import (
    draw_codes,
    draw_usage,
    grow_sticks,
    judge_components,
    split_components,
    wanted_sticks,
)
from examples.harness.run import LogLikelihood, keeping, run
from examples.harness.training_pyro import (
    evaluate,
    open_device,
    seed_epoch,
    shuffle,
    surroundings,
)
from examples.images.datasets import BinaryImages, load_binary_images, load_labels
from pyro_igr import assert_analytic_kl

NUM_DRAWS, NUM_SAMPLES = 100, 7


class Objectives(NamedTuple):
    """What to train, and what to score."""

    training: SVI
    bound: SVI
    log_likelihood: SVI


def make_objectives(
    networks: Networks,
    num_images: int,
    optimizer: PyroOptim,
    num_importance_samples: int,
) -> Objectives:
    """The objectives of a mixture; the bound to report is averaged over ten samples."""
    one, all_of = MixtureOfOne(networks), Mixture(networks, num_images)
    pair = all_of.model, all_of.guide
    weighted = RenyiELBO(
        alpha=0,
        num_particles=num_importance_samples,
        vectorize_particles=True,
        max_plate_nesting=1,
    )
    return Objectives(
        training=SVI(*pair, optimizer, TraceMeanField_ELBO()),
        bound=SVI(*pair, optimizer, TraceMeanField_ELBO(num_particles=10)),
        log_likelihood=SVI(one.model, one.guide, optimizer, weighted),
    )


def make_prior(options: MixtureOptions, device: torch.device) -> Distribution:
    """The prior of the concentration: known, or a Gamma distribution of that mean."""
    concentration = torch.tensor(options.concentration, device=device)
    if options.learn_concentration:
        return Gamma(concentration, torch.ones_like(concentration))
    return Delta(concentration)


def train_epoch(
    options: MixtureOptions,
    networks: Networks,
    svi: SVI,
    prior: Distribution,
    images: Tensor,
) -> float:
    """Steps through the shuffled images in whole batches; returns the mean ELBO."""
    losses = []
    for batch in shuffle(images, options.batch_size):
        if options.family == "igr-sb":
            grow_as_asked(options, networks, svi.optim, prior, batch)
        losses.append(svi.step(batch, prior))
    return -sum(losses) / len(losses)


def grow_as_asked(
    options: MixtureOptions,
    networks: Networks,
    optimizer: PyroOptim,
    prior: Distribution,
    images: Tensor,
) -> None:
    """Adds the sticks that draws for these images need."""
    more = wanted_sticks(networks, prior, images) - networks.num_sticks
    if more > 0:
        grow_sticks(networks, optimizer, more)


def pack(record: Record, networks: Networks, optimizer: PyroOptim) -> bytes:
    """What a run needs to continue, as bytes."""
    buffer = io.BytesIO()
    states = networks.state_dict(), optimizer.get_state()
    torch.save((networks.num_sticks, record.to_lists(), *states), buffer)
    return buffer.getvalue()


def unpack(networks: Networks, optimizer: PyroOptim, packed: bytes) -> Record:
    """Restores what was packed, capacity included; returns the record."""
    state = torch.load(io.BytesIO(packed), map_location="cpu", weights_only=True)
    num_sticks, lists, parameters, optimizer_state = state
    grow_sticks(networks, optimizer, num_sticks - networks.num_sticks)
    networks.load_state_dict(parameters)
    optimizer.set_state(optimizer_state)
    return Record.from_lists(*lists)


def fit(
    options: MixtureOptions,
    networks: Networks,
    svi: SVI,
    prior: Distribution,
    images: Tensor,
    validation: Tensor,
) -> Record:
    """Trains for the epochs that are left, with checkpoints; returns the record."""
    with keeping(options, surroundings(images)) as kept:
        record = kept.restore(partial(unpack, networks, svi.optim), Record())
        epochs = trange(kept.epochs_done, options.num_epochs, disable=None)
        for epoch in epochs:
            seed_epoch(options.seed, epoch + 1)
            elbo = train_epoch(options, networks, svi, prior, images)
            splits = images, validation
            revise(options, networks, svi.optim, prior, *splits, record, epoch + 1)
            usage = draw_usage(networks, prior, validation, options.rho, 1)
            record.growth.append(measure_growth(networks, usage))
            used = f"{record.growth[-1].used} components used"
            epochs.set_postfix_str(f"ELBO {elbo:.2f}, {used}")
            kept.save_if_due(epoch + 1, partial(pack, record, networks, svi.optim))
    record.warn_if_growing()
    return record


def revise(
    options: MixtureOptions,
    networks: Networks,
    optimizer: PyroOptim,
    prior: Distribution,
    images: Tensor,
    validation: Tensor,
    record: Record,
    num_epochs: int,
) -> None:
    """Judges and splits components, if that is due after so many epochs."""
    trained = networks, optimizer, prior, images
    if options.judges_after(num_epochs):
        found = judge_components(*trained, validation, record.tried, num_epochs)
        record.add(found)
        if options.splits_after(num_epochs) and not record.is_settled:
            record.tried.extend(split_components(*trained, found))


def measure_growth(networks: Networks, usage: Usage) -> Growth:
    """The number of components, by what the guide says of some images."""
    return Growth.from_usage(usage, networks.num_sticks, networks.options.family)


class Trained(NamedTuple):
    """Trained networks, and the images: to train on, to choose by, to report on."""

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
    codes = draw_codes(networks, prior, images, NUM_DRAWS)
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
