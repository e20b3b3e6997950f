"""What images say of components: how well these fit, and their codes."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax, random
from numpy.typing import NDArray
from numpyro.distributions import Bernoulli, Normal, kl_divergence
from numpyro.optim import Adam

from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.usage_numpyro import trained_networks

AT_ONCE, NUM_SAMPLES = 100, 5
NUM_STEPS, STEP_SIZE = 100, 0.1


@partial(jax.jit, static_argnames="options")
def measure(
    options: MixtureOptions,
    params: dict[str, Any],
    images: Array,
    key: Array,
    means: Array,
) -> Array:
    """What the images say of components with these means, whose codes share noise."""
    networks = trained_networks(options, params, images.shape[-1])
    prior = Normal(means, 1.0).to_event(1)

    def of_image(of: tuple[Array, Array]) -> Array:
        image, noise = of
        code = networks.encode_code(networks.features(image), means)
        codes = code.mean + jnp.sqrt(code.variance) * noise
        pixels = Bernoulli(logits=networks.decode(codes))
        return pixels.log_prob(image).sum(-1).mean(0) - kl_divergence(code, prior)

    noise = random.normal(key, (len(images), NUM_SAMPLES, 1, means.shape[-1]))
    return lax.map(of_image, (images, noise), batch_size=AT_ONCE)


def explain(
    options: MixtureOptions,
    params: dict[str, Any],
    codes: NDArray,
    pixels: NDArray,
    counts: NDArray,
) -> NDArray:
    """Codes near these of which the decoder makes such mean images, of so many."""
    size = 2 ** math.ceil(math.log2(len(codes)))  # compiled for few sizes
    arrays = (np.resize(x, (size, *x.shape[1:])) for x in (codes, pixels, counts))
    return np.asarray(_explain(options, params, *arrays), np.float64)[: len(codes)]


@partial(jax.jit, static_argnames="options")
def _explain(
    options: MixtureOptions,
    params: dict[str, Any],
    codes: Array,
    pixels: Array,
    counts: Array,
) -> Array:
    networks, optimizer = (
        trained_networks(options, params, pixels.shape[-1]),
        Adam(STEP_SIZE),
    )

    def loss(found: Array) -> Array:
        log_probs = Bernoulli(logits=networks.decode(found)).log_prob(pixels)
        return ((found - codes) ** 2).sum() / 2 - counts @ log_probs.sum(-1)

    def step(_: Array, state: Any) -> Any:
        return optimizer.update(jax.grad(loss)(optimizer.get_params(state)), state)

    state = lax.fori_loop(0, NUM_STEPS, step, optimizer.init(codes))
    return optimizer.get_params(state)


@partial(jax.jit, static_argnames="options")
def encode(
    options: MixtureOptions, params: dict[str, Any], images: Array, components: Array
) -> tuple[Array, Array, Array]:
    """What the guide says of images, each of one component."""
    networks = trained_networks(options, params, images.shape[-1])
    features, means = networks.features(images), networks.all_means()[components]
    codes = networks.encode_code(features, means).mean
    return codes, features, networks.scores(features)
