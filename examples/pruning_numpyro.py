"""Pruning while a mixture trains: components that it does without are deleted."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, random
from jax.example_libraries import optimizers
from mixture_options import MixtureOptions
from mixture_sticks import AXES_OF_STICKS
from mixture_usage_numpyro import draw_usage, trained_networks
from numpyro.distributions import Bernoulli, Distribution, Normal, kl_divergence
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState
from pruning import MOST_IMAGES, NUM_DRAWS, NUM_SAMPLES, Terms, prune


def prune_components(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    prior: Distribution,
    images: Array,
    key: Array,
) -> SVIState:
    """Delete components, judged by some of the images, and sort the others by size.

    Args:
        options: The concentration that parameters of zero mean, among others.
        svi: Whose sticks are fitted anew; those of deleted components are at the
            prior, as if they had been added.
        state: The parameters, and the moments of Adam, which follow the components.
        prior: The law of the concentration.
        images: To learn from.
        key: Of the choice of images, and the noise.
    """
    keys, params = random.split(key, 3), svi.get_params(state)
    some = random.permutation(keys[0], images)[:MOST_IMAGES]
    of = options.of_model(), params
    usage = draw_usage(*of, prior, some, options.rho, NUM_DRAWS, keys[1])
    counts = usage.probs.mean((0, 1), np.float64) * len(images)
    networks = trained_networks(*of, images.shape[-1])
    concentration = float(networks.encode_concentration(prior).mean)
    terms = Terms(*(np.asarray(x, np.float64) for x in measure(*of, some, keys[2])))
    found = prune(terms, counts, concentration, len(images))
    breaks = found.breaks(networks.num_sticks, options.concentration)
    return rearrange(state, found.components, breaks)


@partial(jax.jit, static_argnames="options")
def measure(
    options: MixtureOptions, params: dict[str, Any], images: Array, key: Array
) -> tuple[Array, Array]:
    """What the images say of each component, whose codes share their noise."""
    networks = trained_networks(options, params, images.shape[-1])
    features, means = networks.features(images), networks.all_means()
    law = networks.encode_code(features, means[:, None])
    noise = random.normal(key, (NUM_SAMPLES, 1, *law.mean.shape[1:]))
    codes = law.mean + jnp.sqrt(law.variance) * noise
    pixels = Bernoulli(logits=networks.decode(codes))
    log_likelihood = pixels.log_prob(images).sum(-1).mean(0)
    prior = Normal(means[:, None], 1.0).to_event(1)
    fits = (log_likelihood - kl_divergence(law, prior)).T
    return fits, networks.encode_component(features, jnp.ones(len(means)))


def rearrange(state: SVIState, kept: np.ndarray, breaks: np.ndarray) -> SVIState:
    """Puts what is kept of parameters and moments first, zeros or the breaks after."""
    step, packed = state.optim_state
    points = dict(optimizers.unpack_optimizer_state(packed))
    for name, axis in AXES_OF_STICKS.items():
        first = partial(_first, kept=kept, axis=axis)
        points[name] = optimizers.JoinPoint(jax.tree.map(first, points[name].subtree))
    (_, *moments), structure = jax.tree.flatten(points["breaks"].subtree)
    subtree = jax.tree.unflatten(structure, [jnp.asarray(breaks), *moments])
    points["breaks"] = optimizers.JoinPoint(subtree)
    packed = optimizers.pack_optimizer_state(points)
    return state._replace(optim_state=(step, packed))


def _first(x: Array, kept: np.ndarray, axis: int) -> Array:
    widths = [(0, 0)] * x.ndim
    widths[axis] = 0, x.shape[axis] - len(kept)
    return jnp.pad(jnp.take(x, kept, axis), widths)
