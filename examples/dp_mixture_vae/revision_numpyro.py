"""Which components images use; how these are deleted, split and given sticks."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax, random
from jax.example_libraries import optimizers
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.distributions import Bernoulli, Distribution, Normal, kl_divergence
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState
from numpyro.optim import Adam

from examples.dp_mixture_vae.components import AXES_OF_STICKS, BetaSticks, Judged, judge
from examples.dp_mixture_vae.mixture_numpyro import Networks, to_weights
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.report import Usage
from examples.dp_mixture_vae.splitting import Encoded, split
from examples.harness.training_numpyro import IMAGES_AT_ONCE
from numpyro_igr import grow, num_active, reorder

DRAWS_OF_SHARED_WEIGHTS = 100
MOST_IMAGES, MOST_TO_SPLIT, AT_ONCE = 1000, 10_000, 100
NUM_SAMPLES, NUM_DRAWS = 5, 5
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
    """What the guide says of some images, over so many draws of the weights.

    Weights that all images share are drawn once for all of them.
    """
    parts = _draw_parts(options, params, prior, images, rho, num_draws, key)
    probs, needed, codes = Usage.join([Usage(*map(np.asarray, x)) for x in parts])
    number = len(images)
    return Usage(probs[:, :number], needed[:, :number], codes[:number])


def draw_codes(
    options: MixtureOptions,
    params: dict[str, Any],
    prior: Distribution,
    images: Array,
    rho: float,
    num_draws: int,
    key: Array,
) -> NDArray[np.floating]:
    """The codes of `draw_usage` alone, whose probabilities take memory."""
    parts = _draw_parts(options, params, prior, images, rho, num_draws, key)
    return np.concatenate([np.asarray(codes) for *_, codes in parts])[: len(images)]


def _draw_parts(
    options: MixtureOptions,
    params: dict[str, Any],
    prior: Distribution,
    images: Array,
    rho: float,
    num_draws: int,
    key: Array,
) -> Iterator[tuple[Array, Array, Array]]:
    """The same of a few images each, the last of them filled up with the first."""
    draw = partial(_draw_usage, options, params, prior, rho, num_draws)
    number, part = len(images), np.arange(IMAGES_AT_ONCE)
    for start in range(0, number, len(part)):  # of equal parts, compiled for once
        own = random.fold_in(key, start) if options.has_own_weights else key
        yield draw(own, images[(start + part) % number])


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


def double_sticks(svi: SVI, state: SVIState, wanted: int | Array) -> SVIState:
    """Doubles the sticks until there are enough."""
    num_sticks = capacity = svi.get_params(state)["breaks"].shape[-1]
    while num_sticks < wanted:
        num_sticks *= 2
    more = num_sticks - capacity
    return grow_sticks(svi, state, more) if more else state


def judge_components(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    prior: Distribution,
    images: Array,
    held_out: Array,
    key: Array,
    tried: Sequence[int] = (),
    num_epochs: int = 0,
) -> tuple[SVIState, Judged]:
    """Delete and merge components, judged by held-out images; sort the others by size.

    No network is trained on these images, but the sticks of what is left are fitted to
    them, and the mean of a merged pair is weighted by how many of them each has.

    Args:
        options: Of the model, among others.
        svi: Whose sticks are fitted anew; those of deleted components are at the
            prior, as if they had been added.
        state: The parameters, and the moments of Adam, which follow the components.
        prior: Of the concentration.
        images: To learn from.
        held_out: To judge by, and to fit the sticks to.
        key: Of the choice of images, and the noise.
        tried: The components that a split has added since.
        num_epochs: After which this is.

    Returns:
        The state, then the components that are left, and their sticks.
    """
    keys = random.split(key, 4)
    trained = options.of_model(), svi.get_params(state)
    some = random.permutation(keys[0], images)[:MOST_IMAGES]
    others = random.permutation(keys[1], held_out)[:MOST_IMAGES]
    usage = draw_usage(*trained, prior, some, options.rho, NUM_DRAWS, keys[2])

    def say(means: NDArray) -> NDArray:
        return np.asarray(measure(*trained, others, keys[3], means), np.float64)

    found = judge(
        say,
        np.append(
            np.asarray(trained[1]["means"], np.float64), [[0.0] * options.latent_dim], 0
        ),
        usage.probs.mean((0, 1), np.float64) * len(images),
        float(concentration_of(*trained, prior, images)),
        len(images),
        tried,
        num_epochs,
    )
    order, means = found.fit.components, found.means[found.fit.components]
    of_fit = order, found.fit.sticks
    return rearrange(options, svi, state, *of_fit, means=means), found


def split_components(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    prior: Distribution,
    images: Array,
    found: Judged,
    key: Array,
) -> tuple[SVIState, list[int]]:
    """Split components whose codes or images are of two groups, on trial.

    Args:
        options: Of the model, among others.
        svi: Whose components were judged just now; sticks are doubled as needed.
        state: The parameters, and the moments of Adam, which follow the components,
            to both halves.
        prior: Of the concentration.
        images: To learn from.
        found: The components that are left.
        key: Of the draws of the weights.

    Returns:
        The state, then the components that were added.
    """
    trained = options.of_model(), svi.get_params(state)
    images = images[:MOST_TO_SPLIT]
    usage = draw_usage(*trained, prior, images, options.rho, NUM_DRAWS, key)
    components, num_left = usage.most_probable, len(found.fit.components)
    arrays = encode(*trained, images, components)
    parts = split(
        Encoded(components, *(np.asarray(x, np.float64) for x in arrays)),
        np.asarray(images),
        np.asarray(trained[1]["means"], np.float64)[:num_left],
        found.fit.counts[[*found.fit.components, -1]],
        float(concentration_of(*trained, prior, images)),
        partial(explain, *trained),
    )
    [(weight, bias)] = trained[1]["scores$params"]
    state = double_sticks(svi, state, len(parts.means))
    state = replace_scores(state, weight + parts.weight.T, bias + parts.bias)
    of_parts = parts.parents, parts.sticks
    return rearrange(options, svi, state, *of_parts, means=parts.means), parts.tried


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

    def of_image(inputs: tuple[Array, Array]) -> Array:
        image, noise = inputs
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
    if "means" in values:
        of_rest = np.zeros((num_sticks - len(order), options.latent_dim))
        values["means"] = np.append(values["means"], of_rest, 0)
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
