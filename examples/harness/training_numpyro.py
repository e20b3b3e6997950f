"""Epochs of training on images, and the state that a run saves, in NumPyro."""

import io
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax, random
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState

from examples.harness.run import RunOptions
from examples.images.datasets import BinaryImages, digest, load_binary_images

T = TypeVar("T")

IMAGES_AT_ONCE, SAMPLES_AT_ONCE = 250, 25_000


class CosineDecay(NamedTuple):
    """A learning rate for Adam that falls, epoch by epoch.

    Args:
        rate: That of the first epoch.
        num_epochs: How many there are.
        num_batches: The steps of each.
        last: What it falls to, were there one more.
    """

    rate: float | Array
    num_epochs: int
    num_batches: int
    last: float | Array = 0.0

    def __call__(self, step: Array) -> Array:
        share = (step // self.num_batches) / self.num_epochs
        return self.last + (self.rate - self.last) * (1 + jnp.cos(jnp.pi * share)) / 2


@partial(jax.jit, static_argnames="svi")
def initialize(svi: SVI, prior: Distribution, images: Array, key: Array) -> SVIState:
    """The state before the first step, in the types of the states that follow."""
    state = svi.init(key, images, prior)
    return jax.tree.map(lambda leaf: lax.convert_element_type(leaf, leaf.dtype), state)


@partial(jax.jit, static_argnames=("svi", "batch_size"))
def train_epoch(
    svi: SVI,
    prior: Distribution,
    images: Array,
    batch_size: int,
    state: SVIState,
    key: Array,
) -> tuple[SVIState, Array]:
    """Steps through the shuffled images in whole batches; returns the mean ELBO."""
    whole = len(images) // batch_size * batch_size
    batches = random.permutation(key, len(images))[:whole].reshape(-1, batch_size)
    state, losses = lax.scan(
        lambda state, batch: svi.update(state, images[batch], prior), state, batches
    )
    return state, -losses.mean()


@partial(jax.jit, static_argnames="svi")
def bounds(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> Array:
    """The objective's bound of each image, taken one by one, a few at once."""

    def loss(inputs: tuple[Array, Array]) -> Array:
        image, key = inputs
        return svi.loss.loss(key, params, svi.model, svi.guide, image[None], prior)

    at_once = max(1, min(IMAGES_AT_ONCE, SAMPLES_AT_ONCE // svi.loss.num_particles))
    keys = random.split(key, len(images))
    return -lax.map(loss, (images, keys), batch_size=at_once)


def evaluate(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> float:
    """The mean over the images of the objective's bound."""
    return float(bounds(svi, prior, images, params, key).mean())


def open_device(name: str | None) -> jax.Device:
    """The first device of that platform; ValueError if it cannot be used."""
    try:
        return jax.devices(name)[0]
    except RuntimeError as error:
        raise ValueError(f"cannot use --device {name}: {error}") from error


def load_images(options: RunOptions) -> BinaryImages[Array]:
    """The images that the options name, on the device that they name."""
    device = open_device(options.device)
    shape, *splits = load_binary_images(options)
    return BinaryImages(shape, *(jax.device_put(x, device) for x in splits))


def surroundings(images: Array) -> dict[str, str]:
    """What a run on these images depends on beside its options, by name."""
    return {
        "host": "numpyro",
        "device": next(iter(images.devices())).platform,
        "precision": jnp.zeros(()).dtype.name,
        "training_images": digest(np.asarray(images)),
    }


@jax.jit
def average(mean: T, params: T, number: int | Array) -> T:
    """The mean of the parameters after each of so many epochs, the last of them now.

    Steps of a constant size end in noise about an optimum, of which a mean has less
    (Polyak and Juditsky, 1992; Izmailov et al., 2018).

    Args:
        mean: That of all but the last epoch.
        params: Those after the last, as any tree.
        number: Of the epochs; with 1, the mean is that of the last alone.
    """

    def update(mean: Array, now: Array) -> Array:
        return jnp.where(number == 1, now, mean + (now - mean) / number)

    return jax.tree.map(update, mean, params)


def pack(tree: Any) -> bytes:
    """Arrays, of a state say, as bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, *jax.tree.leaves(tree))
    return buffer.getvalue()


def unpack(fresh: Any, packed: bytes) -> Any:
    """The tree that was packed, given one like it, on the devices of that one."""
    with np.load(io.BytesIO(packed)) as arrays:
        tree = jax.tree.unflatten(jax.tree.structure(fresh), arrays.values())
    return jax.tree.map(_place, tree, fresh)


def _place(leaf: Any, fresh: Any) -> Any:
    return jax.device_put(leaf, fresh.sharding) if isinstance(fresh, Array) else leaf
