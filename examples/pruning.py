"""Components that a mixture does without, found in NumPy.

The mean-field bound judges, in which weights and components do not know each other. The
bound that is trained has components drawn given the weights, and copies of a component
cost it next to nothing: no gradient deletes them. To do so lowers it by a nat or two
for all images together, before decoder and encoder make use of it.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from mixture_sticks import nearest_gaussian
from numpy.typing import NDArray
from scipy.special import betaln, digamma, logsumexp, polygamma

MOST_IMAGES, NUM_SAMPLES, NUM_DRAWS, NUM_ROUNDS = 500, 5, 5, 3


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
        first: The first parameter of each Beta law.
        second: The second one.
        bound: The mean-field bound with these sticks, in nats per image.
    """

    components: NDArray[np.integer]
    counts: NDArray[np.floating]
    first: NDArray[np.floating]
    second: NDArray[np.floating]
    bound: float

    def breaks(self, num_sticks: int, concentration: float) -> NDArray[np.float32]:
        """Parameters as `start_of_sticks` has them: Gaussians of equal moments.

        Args:
            num_sticks: Those beyond the components are at the prior.
            concentration: That parameters of zero mean.
        """
        loc, scale, _ = nearest_gaussian(concentration)
        variance = polygamma(1, self.first) + polygamma(1, self.second)
        found = np.zeros((2, num_sticks), np.float32)
        found[0, : len(variance)] = digamma(self.first) - digamma(self.second) - loc
        found[1, : len(variance)] = np.log(variance) / 2 - np.log(scale)
        return found


def prune(
    terms: Terms, counts: NDArray[np.floating], concentration: float, num_images: int
) -> Fit:
    """Deletes the components that the mean-field bound gains by, the smallest first.

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
        if len(others) and without.bound >= found.bound:
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
        q(u_k) = Beta(1 + N_k, \alpha + N_{>k}), \qquad
        q(c | x) \propto \exp(E \log w_c + s_c(x))

    Args:
        terms: Of some of the images.
        concentration: The alpha of the prior.
        num_images: That there are to learn from, for the counts N.
        components: That have a stick.
        counts: The images that each component has, at the start.
    """
    for _ in range(NUM_ROUNDS):
        components = components[np.argsort(-counts[components], kind="stable")]
        columns = np.append(components, len(counts) - 1)
        beyond = counts[columns][::-1].cumsum()[-2::-1]
        first, second = 1 + counts[components], concentration + beyond
        log_probs = _mean_log_weights(first, second) + terms.scores[:, columns]
        log_total = logsumexp(log_probs, 1, keepdims=True)
        probs = np.exp(log_probs - log_total)
        inner = probs * (terms.fits - terms.scores)[:, columns] + probs * log_total
        kl = _kl_of_sticks(first, second, concentration)
        counts = np.zeros_like(counts)
        counts[columns] = probs.mean(0) * num_images
    bound = float(inner.sum(1).mean() - kl / num_images)
    return Fit(components, counts, first, second, bound)


def _mean_log_weights(
    first: NDArray[np.floating], second: NDArray[np.floating]
) -> NDArray[np.floating]:
    total = digamma(first + second)
    left = np.cumsum(digamma(second) - total)
    return np.append(digamma(first) - total, 0) + np.append(0, left)


def _kl_of_sticks(
    first: NDArray[np.floating], second: NDArray[np.floating], concentration: float
) -> float:
    """The KL of Beta laws to Beta(1, concentration), summed, in nats."""
    total = digamma(first + second)
    return float(
        np.sum(
            betaln(1, concentration)
            - betaln(first, second)
            + (first - 1) * (digamma(first) - total)
            + (second - concentration) * (digamma(second) - total)
        )
    )
