"""Training of a mixture VAE, whose components are revised between epochs."""

import io
from functools import partial

import torch
from pyro.distributions import Distribution
from pyro.infer import SVI
from pyro.optim import PyroOptim
from torch import Tensor
from tqdm import trange

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.rearranging_pyro import grow_sticks
from examples.dp_mixture_vae.record import Growth, Record
from examples.dp_mixture_vae.revision_pyro import judge_components, split_components
from examples.dp_mixture_vae.usage import Usage
from examples.dp_mixture_vae.usage_pyro import draw_usage, wanted_sticks
from examples.harness.run import keeping
from examples.harness.training_pyro import seed_epoch, surroundings


def train_epoch(
    options: MixtureOptions,
    networks: Networks,
    svi: SVI,
    prior: Distribution,
    images: Tensor,
) -> float:
    """Steps through the shuffled images in whole batches; returns the mean ELBO."""
    batches = torch.randperm(len(images), device=images.device)
    whole = batches.split(options.batch_size)[: len(images) // options.batch_size]
    loss = 0.0
    for batch in whole:
        if options.family == "igr-sb":
            grow_as_asked(options, networks, svi.optim, prior, images[batch])
        loss += svi.step(images[batch], prior)
    return -loss / len(whole)


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
    of = networks, optimizer, prior, images
    if options.judges_after(num_epochs):
        found = judge_components(*of, validation, record.tried, num_epochs)
        record.add(found)
        if options.splits_after(num_epochs) and not record.is_settled:
            record.tried.extend(split_components(*of, found))


def measure_growth(networks: Networks, usage: Usage) -> Growth:
    """The number of components, by what the guide says of some images."""
    return Growth.from_usage(usage, networks.num_sticks, networks.options.family)
