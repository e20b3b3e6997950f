"""What images say of the components of a mixture, and of their number."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax, random
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.distributions import Bernoulli, Distribution, Normal, kl_divergence
from numpyro.optim import Adam

from examples.dp_mixture_vae.networks_numpyro import Networks
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.usage import Usage
from examples.dp_mixture_vae.weights_numpyro import to_weights
from examples.harness.training_numpyro import IMAGES_AT_ONCE
from numpyro_igr import num_active

DRAWS_OF_SHARED_WEIGHTS = 100

AT_ONCE, NUM_SAMPLES = 100, 5

NUM_STEPS, STEP_SIZE = 100, 0.1


def trained_networks(
    options: MixtureOptions, params: dict[str, Any], num_pixels: int
) -> Networks:
    """The networks with trained parameters."""
    with handlers.substitute(data=params):
        return Networks.declare(options, num_pixels)


def draw_usage(
    options: MixtureOptions,
    params: dict[str, Any],
    prior: Distribution,
    images: Array,
    rho: float,
    num_draws: int,
    key: Array,
) -> Usage:
    """What the guide says of some images, over so many draws of the weights."""
    of = partial(_draw_usage, options, params, prior, rho, num_draws, key)
    number, part = len(images), np.arange(IMAGES_AT_ONCE)
    starts = range(0, number, len(part))  # of equal parts, compiled for once
    parts = [of(images[(start + part) % number]) for start in starts]
    probs, needed, codes = Usage.join([Usage(*map(np.asarray, x)) for x in parts])
    return Usage(probs[:, :number], needed[:, :number], codes[:number])


@partial(jax.jit, static_argnames=("options", "rho", "num_draws"))
def _draw_usage(
    options: MixtureOptions,
    params: dict[str, Any],
    prior: Distribution,
    rho: float,
    num_draws: int,
    key: Array,
    images: Array,
) -> tuple[Array, Array, Array]:
    networks = trained_networks(options, params, images.shape[-1])
    features = networks.features(images)
    sticks = networks.encode_sticks(features, networks.encode_concentration(prior).mean)
    weights = to_weights(sticks, sticks.rsample(key, (num_draws,)))
    if not options.has_own_weights:
        weights = weights[..., None, :]
    probs = jax.nn.softmax(networks.encode_component(features, weights), -1)
    codes = networks.encode_code(features, networks.all_means()[:, None]).mean
    code = jnp.einsum("nk,knd->nd", probs.mean(0), codes)
    needed = num_active(weights, rho)
    return probs, jnp.broadcast_to(needed, probs.shape[:-1]), code


@partial(jax.jit, static_argnames=("options", "max_overflow", "rho"))
def wanted_sticks(
    options: MixtureOptions,
    params: dict[str, Any],
    prior: Distribution,
    images: Array,
    max_overflow: float,
    rho: float,
    key: Array,
) -> Array:
    """How many sticks keep the overflow rate of draws for these images low.

    Args:
        options: That the model depends on.
        params: The sticks so far, and all else.
        prior: Of the concentration.
        images: For which weights are drawn.
        max_overflow: The rate of draws that may need more.
        rho: The share of the weights that sticks are needed for.
        key: Of the draws.
    """
    networks = trained_networks(options, params, images.shape[-1])
    concentration = networks.encode_concentration(prior).mean
    sticks = networks.encode_sticks(networks.features(images), concentration)
    shape = () if options.has_own_weights else (DRAWS_OF_SHARED_WEIGHTS,)
    given, beyond = random.split(key)
    weights = to_weights(sticks, sticks.rsample(given, shape))
    return sticks.wanted_sticks(beyond, weights, max_overflow, rho)


@partial(jax.jit, static_argnames="options")
def concentration_of(
    options: MixtureOptions, params: dict[str, Any], prior: Distribution, images: Array
) -> Array:
    """The mean concentration of the guide."""
    networks = trained_networks(options, params, images.shape[-1])
    return networks.encode_concentration(prior).mean


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
