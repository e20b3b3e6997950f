"""Epochs of training on images, and the state that a run saves, in Pyro."""

import io
from collections.abc import Iterator

import pyro
import torch
from numpy.random import SeedSequence
from pyro.distributions import Distribution
from pyro.infer import SVI
from pyro.optim import PyroOptim
from torch import Tensor, nn
from torch.distributions.constraints import positive, real

from examples.harness.run import RunOptions
from examples.images.datasets import BinaryImages, digest, load_binary_images

IMAGES_AT_ONCE = 250
IN_NETWORK = "$$$"  # between the names of a module and of its parameter
VECTORIZED = {"vectorize_particles": True, "max_plate_nesting": 1}
CONSTRAINTS = {"relax_temperature": positive}  # of parameters, where they are not real


def shuffle(images: Tensor, batch_size: int) -> Iterator[Tensor]:
    """The images in another order, in whole batches."""
    batches = torch.randperm(len(images)).split(batch_size)
    return (images[batch] for batch in batches[: len(images) // batch_size])


def train_epoch(
    svi: SVI, prior: Distribution, images: Tensor, batch_size: int
) -> float:
    """Steps through the shuffled images in whole batches; returns the mean ELBO."""
    losses = [svi.step(batch, prior) for batch in shuffle(images, batch_size)]
    return -sum(losses) / len(losses)


def evaluate(svi: SVI, prior: Distribution, images: Tensor) -> float:
    """The mean over the images of the objective's bound."""
    batches = images.split(IMAGES_AT_ONCE)
    losses = [len(batch) * svi.evaluate_loss(batch, prior) for batch in batches]
    return -sum(losses) / len(images)


def seed_epoch(seed: int, epoch: int) -> None:
    """Makes the noise of an epoch depend on the seed and its number alone."""
    (seed,) = SeedSequence([seed, epoch]).generate_state(1)
    pyro.set_rng_seed(int(seed))


def open_device(name: str | None) -> torch.device:
    """The device of that name; ValueError if it cannot be used."""
    try:
        return torch.empty(0, device=name or "cpu").device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"cannot use --device {name}: {error}") from error


def load_images(options: RunOptions) -> BinaryImages[Tensor]:
    """The images that the options name, on the device that they name."""
    device = open_device(options.device)
    shape, *splits = load_binary_images(options)
    return BinaryImages(shape, *(torch.from_numpy(x).to(device) for x in splits))


def surroundings(images: Tensor) -> dict[str, str]:
    """What a run on these images depends on beside its options, by name."""
    return {
        "host": "pyro",
        "device": images.device.type,
        "precision": str(torch.get_default_dtype()).removeprefix("torch."),
        "training_images": digest(images.numpy(force=True)),
    }


def others() -> dict[str, Tensor]:
    """The parameters of no network, unconstrained."""
    stored = pyro.get_param_store().named_parameters()
    return {name: x.detach() for name, x in stored if IN_NETWORK not in name}


def parameters(network: nn.Module) -> dict[str, Tensor]:
    """The parameters of a network and of none, which share memory with these."""
    return {k: x.detach() for k, x in network.named_parameters()} | others()


def average(
    mean: dict[str, Tensor], network: nn.Module, number: int
) -> dict[str, Tensor]:
    """The mean of the parameters after each of so many epochs, the last of them now.

    Steps of a constant size end in noise about an optimum, of which a mean has less
    (Polyak and Juditsky, 1992; Izmailov et al., 2018).

    Args:
        mean: That of all but the last epoch.
        network: Whose parameters they are, beside those of no network.
        number: Of the epochs; with 1, the mean is that of the last alone.
    """
    params = {name: param.clone() for name, param in parameters(network).items()}
    if number == 1:
        return params
    return {k: torch.lerp(mean[k], now, 1 / number) for k, now in params.items()}


def set_parameters(network: nn.Module, mean: dict[str, Tensor]) -> None:
    """Gives the parameters the values of a mean."""
    for name, param in parameters(network).items():
        param.copy_(mean[name])


def pack(
    network: nn.Module, optimizer: PyroOptim, mean: dict[str, Tensor] | None = None
) -> bytes:
    """What a run needs to continue, as bytes; of some, a mean of their parameters."""
    buffer = io.BytesIO()
    state = network.state_dict(), others(), optimizer.get_state(), mean
    torch.save(state, buffer)
    return buffer.getvalue()


def unpack(
    network: nn.Module, optimizer: PyroOptim, packed: bytes
) -> dict[str, Tensor] | None:
    """Restores what was packed, and returns the mean of parameters."""
    state = torch.load(io.BytesIO(packed), map_location="cpu", weights_only=True)
    of_network, of_none, optimizer_state, mean = state
    device = next(network.parameters()).device
    network.load_state_dict(of_network)
    optimizer.set_state(optimizer_state)
    of_store = {
        "params": {k: v.to(device).requires_grad_() for k, v in of_none.items()},
        "constraints": {name: CONSTRAINTS.get(name, real) for name in of_none},
    }
    pyro.get_param_store().set_state(of_store)
    return mean and {name: x.to(device) for name, x in mean.items()}
