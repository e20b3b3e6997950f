"""Components are judged by held-out images, deleted, merged, and split on trial."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from jax import Array, random
from numpy.typing import NDArray
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState

from examples.dp_mixture_vae.evidence_numpyro import encode, explain, measure
from examples.dp_mixture_vae.judging import Judged, judge
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.rearranging_numpyro import (
    double_sticks,
    rearrange,
    replace_scores,
)
from examples.dp_mixture_vae.splitting import Encoded, split
from examples.dp_mixture_vae.usage_numpyro import concentration_of, draw_usage

MOST_IMAGES, MOST_TO_SPLIT, NUM_DRAWS = 1000, 10_000, 5


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

    Args:
        options: Of the model, among others.
        svi: Whose sticks are fitted anew; those of deleted components are at the
            prior, as if they had been added.
        state: The parameters, and the moments of Adam, which follow the components.
        prior: Of the concentration.
        images: To learn from.
        held_out: To judge by.
        key: Of the choice of images, and the noise.
        tried: The components that a split has added since.
        num_epochs: After which this is.

    Returns:
        The state, then the components that are left, and their sticks.
    """
    keys, of = random.split(key, 4), (options.of_model(), svi.get_params(state))
    some = random.permutation(keys[0], images)[:MOST_IMAGES]
    others = random.permutation(keys[1], held_out)[:MOST_IMAGES]
    usage = draw_usage(*of, prior, some, options.rho, NUM_DRAWS, keys[2])

    def say(means: NDArray) -> NDArray:
        return np.asarray(measure(*of, others, keys[3], means), np.float64)

    found = judge(
        say,
        np.append(
            np.asarray(of[1]["means"], np.float64), [[0.0] * options.latent_dim], 0
        ),
        usage.probs.mean((0, 1), np.float64) * len(images),
        float(concentration_of(*of, prior, images)),
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
    of, images = (options.of_model(), svi.get_params(state)), images[:MOST_TO_SPLIT]
    usage = draw_usage(*of, prior, images, options.rho, NUM_DRAWS, key)
    components, num_left = usage.most_probable, len(found.fit.components)
    arrays = encode(*of, images, components)
    parts = split(
        Encoded(components, *(np.asarray(x, np.float64) for x in arrays)),
        np.asarray(images),
        np.asarray(of[1]["means"], np.float64)[:num_left],
        found.fit.counts[[*found.fit.components, -1]],
        float(concentration_of(*of, prior, images)),
        partial(explain, *of),
    )
    [(weight, bias)] = of[1]["scores$params"]
    state = double_sticks(svi, state, len(parts.means))
    state = replace_scores(state, weight + parts.weight.T, bias + parts.bias)
    of_parts = parts.parents, parts.sticks
    return rearrange(options, svi, state, *of_parts, means=parts.means), parts.tried
