"""The best sticks of some components, and whether images need what is left out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri

from examples.dp_mixture_vae.sticks import BetaSticks

NUM_ROUNDS, LEVEL = 3, 0.01


class Fit(NamedTuple):
    """The best Beta distributions of the sticks of some components.

    Args:
        components: That have a stick, the largest first.
        counts: The images that each component has, those without a stick included.
        sticks: Of these components.
        bounds: The mean-field bound of each image, but for the KL of the sticks.
        kl: That of the sticks, in nats for all images to learn from.
        num_images: That there are to learn from.
    """

    components: NDArray[np.integer]
    counts: NDArray[np.floating]
    sticks: BetaSticks
    bounds: NDArray[np.floating]
    kl: float
    num_images: int

    @property
    def bound(self) -> float:
        """The mean-field bound with these sticks, in nats per image."""
        return float(self.bounds.mean()) - self.kl / self.num_images

    def is_needed(self, without: "Fit", num_tried: int) -> bool:
        r"""Whether the images need what a simpler fit is without.

        .. math::
            \sum_i d_i > \log\frac{M}{\delta}, \qquad
            \sum_i d_i > z_{\delta / M} \sqrt{2 \sum_{d_i < 0} d_i^2}

        where d is the change of the bound of each image, its share of the price of
        the sticks included. If the simpler fit were the truth, the sum would exceed
        the first with a probability of delta / M, whatever the alternative. The
        second takes what images lose for noise that is as large on both sides.

        Args:
            without: The simpler fit, of the same images.
            num_tried: The number M of fits that are compared.

        Source: Wasserman, Ramdas and Balakrishnan (2020), universal inference, of
            which the first is the split likelihood-ratio test; the second is ours.
        """
        price = (self.kl - without.kl) / self.num_images
        change = self.bounds - without.bounds - price
        noise = np.sqrt(2 * np.sum(np.minimum(change, 0) ** 2))
        level = LEVEL / num_tried
        return change.sum() > max(-np.log(level), -ndtri(level) * noise)


def fit_sticks(
    fits: NDArray[np.floating],
    concentration: float,
    num_images: int,
    components: NDArray[np.integer],
    counts: NDArray[np.floating],
) -> Fit:
    r"""The best sticks of components, by turns with the probabilities of these.

    .. math::
        q(c | x) \propto \exp(E \log w_c + f_c(x))

    Args:
        fits: The mean log-likelihood of the codes of each component minus their KL, in
            nats, with shape `(images, components)`, of the rest last.
        concentration: Of the prior.
        num_images: That there are to learn from, for the counts.
        components: That have a stick.
        counts: The images that each component has, at the start.
    """
    for _ in range(NUM_ROUNDS):
        components = components[np.argsort(-counts[components], kind="stable")]
        columns = np.append(components, len(counts) - 1)
        sticks = BetaSticks.of_counts(counts[columns], concentration)
        log_probs = sticks.mean_log_weights + fits[:, columns]
        bounds = logsumexp(log_probs, 1)
        counts = np.zeros_like(counts)
        counts[columns] = np.exp(log_probs - bounds[:, None]).mean(0) * num_images
    kl = sticks.kl(concentration)
    return Fit(components, counts, sticks, bounds, kl, num_images)
