"""Components that a mixture does without, found in NumPy.

The mean-field bound judges, in which weights and components do not know each other. The
bound that is trained has components drawn given the weights, and copies of a component
cost it next to nothing: no gradient deletes them. To do so lowers it by a nat or two
for all images together, before decoder and encoder make use of it.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from examples.dp_mixture_vae.beta_sticks import BetaSticks

MOST_IMAGES, NUM_SAMPLES, NUM_DRAWS, NUM_ROUNDS = 500, 5, 5, 3
MIN_WORTH = 1.0


class Terms(NamedTuple):
    """What some images say of the components, the rest last: `(images, components)`.

    Args:
        fits: The mean log-likelihood of a component's codes minus their KL, in nats.
        scores: The guide's logits of the components, relative to the weights.
    """

    fits: NDArray[np.floating]
    scores: NDArray[np.floating]


class Fit(NamedTuple):
    """The best Beta laws of the sticks of some components.

    Args:
        components: That have a stick, the largest first.
        counts: The images that each component has, those without a stick included.
        sticks: Of these components.
        bound: The mean-field bound with these sticks, in nats per image.
    """

    components: NDArray[np.integer]
    counts: NDArray[np.floating]
    sticks: BetaSticks
    bound: float


def prune(
    terms: Terms, counts: NDArray[np.floating], concentration: float, num_images: int
) -> Fit:
    """Deletes components that the mean-field bound does without, the smallest first.

    Those go that are worth less than a nat to all images together.

    With and without a component the sticks are the best ones, and the components are
    in the order of their size. Codes and scores stay, so what an image loses with its
    component is counted in full.

    Args:
        terms: Of some of the images.
        counts: The images that each component has, at the start.
        concentration: Of the prior.
        num_images: That there are to learn from.

    Source: The delete moves of Hughes and Sudderth (2013); the order, Kurihara, Welling
        and Teh (2007).
    """
    fit = partial(fit_sticks, terms, concentration, num_images)
    found = fit(np.arange(len(counts) - 1), counts)
    for candidate in found.components[::-1]:
        others = found.components[found.components != candidate]
        without = fit(others, found.counts)
        worth = (found.bound - without.bound) * num_images
        if len(others) and worth < MIN_WORTH:
            found = without
    return found


def fit_sticks(
    terms: Terms,
    concentration: float,
    num_images: int,
    components: NDArray[np.integer],
    counts: NDArray[np.floating],
) -> Fit:
    r"""The best sticks of components, by turns with the probabilities of these.

    .. math::
        q(c | x) \propto \exp(E \log w_c + s_c(x))

    Args:
        terms: Of some of the images.
        concentration: Of the prior.
        num_images: That there are to learn from, for the counts.
        components: That have a stick.
        counts: The images that each component has, at the start.
    """
    for _ in range(NUM_ROUNDS):
        components = components[np.argsort(-counts[components], kind="stable")]
        columns = np.append(components, len(counts) - 1)
        sticks = BetaSticks.of_counts(counts[columns], concentration)
        log_probs = sticks.mean_log_weights + terms.scores[:, columns]
        log_total = logsumexp(log_probs, 1, keepdims=True)
        probs = np.exp(log_probs - log_total)
        inner = probs * (terms.fits - terms.scores)[:, columns] + probs * log_total
        counts = np.zeros_like(counts)
        counts[columns] = probs.mean(0) * num_images
    bound = float(inner.sum(1).mean() - sticks.kl(concentration) / num_images)
    return Fit(components, counts, sticks, bound)
