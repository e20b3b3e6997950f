"""The components that images use, and how sticks are added, deleted and split."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, random
from jax.example_libraries import optimizers
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.distributions import Bernoulli, Distribution, Normal, kl_divergence
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState

from examples.dp_mixture_vae.components import (
    AXES_OF_STICKS,
    MOST_IMAGES,
    NUM_DRAWS,
    NUM_SAMPLES,
    BetaSticks,
    Encoded,
    Fit,
    Terms,
    prune,
    split,
)
from examples.dp_mixture_vae.mixture_numpyro import Networks, to_weights
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.report import Usage
from examples.harness.training_numpyro import IMAGES_AT_ONCE
from numpyro_igr import grow, num_active, reorder

DRAWS_OF_SHARED_WEIGHTS = 100


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
    num_parts = math.ceil(len(images) / IMAGES_AT_ONCE)
    size = math.ceil(len(images) / num_parts)  # of equal parts, compiled for once
    starts = range(0, len(images), size)
    parts = [of(images[start : start + size]) for start in starts]
    return Usage.join([Usage(*map(np.asarray, part)) for part in parts])


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


def grow_sticks(svi: SVI, state: SVIState, num_sticks: int) -> SVIState:
    """Add sticks at the prior, each with a component like the rest.

    The bound stays what it was but for the price of the sticks: their KL to the prior
    at its nearest Gaussian.

    Args:
        svi: Whose parameters grow.
        state: The parameters, and the moments of Adam: kept, and zero for the new
            parameters.
        num_sticks: How many to add.
    """
    params = svi.get_params(state)
    for name, axis in AXES_OF_STICKS.items():
        shape = list(jnp.shape(params[name]))
        shape[axis] = num_sticks
        state = grow(state, {name: jnp.zeros(shape)}, axis)
    return state


def prune_components(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    prior: Distribution,
    images: Array,
    key: Array,
) -> tuple[SVIState, Fit]:
    """Delete components, judged by some of the images, and sort the others by size.

    Args:
        options: Of the model, among others.
        svi: Whose sticks are fitted anew; those of deleted components are at the
            prior, as if they had been added.
        state: The parameters, and the moments of Adam, which follow the components.
        prior: Of the concentration.
        images: To learn from.
        key: Of the choice of images, and the noise.

    Returns:
        The state, then the components that are left, and their sticks.
    """
    keys, params = random.split(key, 3), svi.get_params(state)
    some = random.permutation(keys[0], images)[:MOST_IMAGES]
    of = options.of_model(), params
    usage = draw_usage(*of, prior, some, options.rho, NUM_DRAWS, keys[1])
    counts = usage.probs.mean((0, 1), np.float64) * len(images)
    concentration = float(concentration_of(*of, prior, images))
    terms = Terms(*(np.asarray(x, np.float64) for x in measure(*of, some, keys[2])))
    found = prune(terms, counts, concentration, len(images))
    return rearrange(options, svi, state, found.components, found.sticks), found


def split_components(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    prior: Distribution,
    images: Array,
    found: Fit,
    key: Array,
) -> SVIState:
    """Split components whose codes are of two groups, as far as there are sticks.

    Args:
        options: Of the model, among others.
        svi: Whose components were deleted just now.
        state: The parameters, and the moments of Adam, which follow the components,
            to both halves.
        prior: Of the concentration.
        images: To learn from.
        found: The components that are left.
        key: Of the draws of the weights.
    """
    of = options.of_model(), svi.get_params(state)
    usage = draw_usage(*of, prior, images, options.rho, NUM_DRAWS, key)
    components, means = usage.most_probable, np.asarray(of[1]["means"])
    arrays = encode(*of, images, components)
    parts = split(
        Encoded(components, *(np.asarray(x, np.float64) for x in arrays)),
        means[: len(found.components)],
        found.counts[[*found.components, -1]],
        len(means),
        float(concentration_of(*of, prior, images)),
    )
    means = np.zeros_like(means)
    means[: len(parts.means)] = parts.means
    [(weight, bias)] = of[1]["scores$params"]
    state = replace_scores(state, weight + parts.weight.T, bias + parts.bias)
    return rearrange(options, svi, state, parts.parents, parts.sticks, means=means)


@partial(jax.jit, static_argnames="options")
def concentration_of(
    options: MixtureOptions, params: dict[str, Any], prior: Distribution, images: Array
) -> Array:
    """The mean concentration of the guide."""
    networks = trained_networks(options, params, images.shape[-1])
    return networks.encode_concentration(prior).mean


@partial(jax.jit, static_argnames="options")
def measure(
    options: MixtureOptions, params: dict[str, Any], images: Array, key: Array
) -> tuple[Array, Array]:
    """What the images say of each component, whose codes share their noise."""
    networks = trained_networks(options, params, images.shape[-1])
    features, means = networks.features(images), networks.all_means()
    code = networks.encode_code(features, means[:, None])
    noise = random.normal(key, (NUM_SAMPLES, 1, *code.mean.shape[1:]))
    codes = code.mean + jnp.sqrt(code.variance) * noise
    pixels = Bernoulli(logits=networks.decode(codes))
    log_likelihood = pixels.log_prob(images).sum(-1).mean(0)
    prior = Normal(means[:, None], 1.0).to_event(1)
    fits = (log_likelihood - kl_divergence(code, prior)).T
    return fits, networks.encode_component(features, jnp.ones(len(means)))


@partial(jax.jit, static_argnames="options")
def encode(
    options: MixtureOptions, params: dict[str, Any], images: Array, components: Array
) -> tuple[Array, Array, Array]:
    """What the guide says of images, each of one component."""
    networks = trained_networks(options, params, images.shape[-1])
    features, means = networks.features(images), networks.all_means()[components]
    codes = networks.encode_code(features, means).mean
    return codes, features, networks.scores(features)


def rearrange(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    order: NDArray,
    sticks: BetaSticks,
    **values: Array,
) -> SVIState:
    """Puts these components first, with these sticks and values, and zeros after."""
    params = svi.get_params(state)
    num_sticks = params["breaks"].shape[AXES_OF_STICKS["breaks"]]
    values["breaks"] = sticks.breaks(num_sticks, options.concentration)
    for name, axis in AXES_OF_STICKS.items():
        rest = list(params[name].shape)
        rest[axis] -= len(order)
        state = reorder(state, order, {name: None}, axis)
        state = grow(state, {name: jnp.zeros(rest)}, axis)
        if name in values:
            same = range(params[name].shape[axis])
            state = reorder(state, same, {name: values[name]}, axis)
    # On the device of the others, where functions have been compiled for.
    return jax.device_put(state, params["means"].sharding)


def replace_scores(state: SVIState, weight: Array, bias: Array) -> SVIState:
    """Gives the scores new weights, and leaves the moments of Adam as they are."""
    step, packed = state.optim_state
    points, name = dict(optimizers.unpack_optimizer_state(packed)), "scores$params"
    points[name] = jax.tree.map(
        _with_value, points[name], [(weight, bias)], is_leaf=_is_point
    )
    packed = optimizers.pack_optimizer_state(points)
    return state._replace(optim_state=(step, packed))


def _is_point(x: Any) -> bool:
    return isinstance(x, optimizers.JoinPoint)


def _with_value(point: optimizers.JoinPoint, value: Array) -> optimizers.JoinPoint:
    (_, *moments), structure = jax.tree.flatten(point.subtree)
    values = [jnp.asarray(value, jnp.float32), *moments]
    return optimizers.JoinPoint(jax.tree.unflatten(structure, values))
