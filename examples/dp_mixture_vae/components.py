"""The sticks and the components of a mixture, in NumPy: start, deletion and splits.

The mean-field bound judges deletions, in which weights and components do not know each
other. The bound that is trained has components drawn given the weights, and copies of a
component cost it next to nothing: no gradient deletes them. To do so lowers it by a nat
or two for all images together, before decoder and encoder make use of it. The codes of
a component with two groups lie in two heaps, and carry what tells the groups apart: no
gradient splits it.
"""

from functools import cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.special import (
    betaln,
    digamma,
    gammaln,
    log_expit,
    logsumexp,
    polygamma,
    roots_hermitenorm,
)
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge

NODES, WEIGHTS = roots_hermitenorm(64)
START_SCALE = np.exp(-1.0)
AXES_OF_STICKS = {"means": 0, "breaks": 1, "breaks_of_image": 1}
MOST_IMAGES, NUM_SAMPLES, NUM_DRAWS, NUM_ROUNDS = 500, 5, 5, 3
MIN_WORTH = 1.0


@cache
def nearest_gaussian(concentration: float) -> tuple[float, float, float]:
    r"""The Gaussian nearest to the logit of a stick of the prior.

    .. math::
        \min_{\mu, \sigma} KL(N(\mu, \sigma^2) \,\|\, p), \qquad
        \log p(y) = \log \alpha + \log s(y) + \alpha \log s(-y)

    where s is the logistic function and p the density of the logit of Beta(1, alpha).

    Args:
        concentration: The alpha of Beta(1, alpha).

    Returns:
        The mean and the standard deviation, and the KL in nats: what a stick costs
        that starts there.
    """

    def kl(parameters: NDArray[np.floating]) -> float:
        loc, log_scale = parameters
        y = loc + np.exp(log_scale) * NODES
        log_p = np.log(concentration) + log_expit(y) + concentration * log_expit(-y)
        entropy = log_scale + 0.5 * np.log(2 * np.pi * np.e)
        return -entropy - WEIGHTS @ log_p / WEIGHTS.sum()

    start = [-np.log(concentration), 0.5]
    found = minimize(kl, start, method="Nelder-Mead", options={"xatol": 1e-9})
    return float(found.x[0]), float(np.exp(found.x[1])), float(found.fun)


def even_sticks(num_sticks: int) -> NDArray[np.float32]:
    """Logits of the sticks that break all weights even, the rest included."""
    return -np.log(num_sticks - np.arange(num_sticks, dtype=np.float32))


def start_of_sticks(
    family: str, concentration: float, num_sticks: int
) -> NDArray[np.float32]:
    """Parameters with which the sticks break even weights.

    Parameters of zero are the prior: so do those of a stick start that is added later.

    Args:
        family: "igr-sb" or "dldpmm".
        concentration: Of the prior.
        num_sticks: The number n of sticks.

    Returns:
        Two rows of n: for "igr-sb" the location and the log scale, relative to the
        Gaussian nearest to the prior; for "dldpmm" the logarithms of the two
        concentrations, relative to the prior's.
    """
    even = even_sticks(num_sticks)
    if family == "dldpmm":
        return np.stack([0 * even, -even - np.log(concentration)]).astype(np.float32)
    loc, scale, _ = nearest_gaussian(concentration)
    log_scale = np.full_like(even, np.log(START_SCALE / scale))
    return np.stack([even - loc, log_scale]).astype(np.float32)


class BetaSticks(NamedTuple):
    """Independent Beta distributions of some sticks.

    Args:
        first: The first parameter of each.
        second: The second one.
    """

    first: NDArray[np.floating]
    second: NDArray[np.floating]

    @classmethod
    def of_counts(
        cls, counts: NDArray[np.floating], concentration: float
    ) -> "BetaSticks":
        r"""The best ones, given the images of the components.

        .. math::
            q(u_k) = Beta(1 + N_k, \alpha + N_{>k})

        Args:
            counts: The images N of each component, those without a stick last.
            concentration: The alpha of the prior.
        """
        beyond = counts[::-1].cumsum()[-2::-1]
        return cls(1 + counts[:-1], concentration + beyond)

    @property
    def mean_log_weights(self) -> NDArray[np.floating]:
        """The mean logarithms of the weights that they break, the rest last."""
        total = digamma(self.first + self.second)
        left = np.cumsum(digamma(self.second) - total)
        return np.append(digamma(self.first) - total, 0) + np.append(0, left)

    def kl(self, concentration: float) -> float:
        """The KL to Beta(1, concentration), summed, in nats."""
        first, second = self
        total = digamma(first + second)
        return float(
            np.sum(
                betaln(1, concentration)
                - betaln(first, second)
                + (first - 1) * (digamma(first) - total)
                + (second - concentration) * (digamma(second) - total)
            )
        )

    def breaks(self, num_sticks: int, concentration: float) -> NDArray[np.float32]:
        """Parameters as `start_of_sticks` has them: Gaussians of equal moments.

        Args:
            num_sticks: Those beyond these sticks are at the prior.
            concentration: That parameters of zero mean.
        """
        loc, scale, _ = nearest_gaussian(concentration)
        variance = polygamma(1, self.first) + polygamma(1, self.second)
        found = np.zeros((2, num_sticks), np.float32)
        found[0, : len(variance)] = digamma(self.first) - digamma(self.second) - loc
        found[1, : len(variance)] = np.log(variance) / 2 - np.log(scale)
        return found


class Terms(NamedTuple):
    """What some images say of the components, the rest last: `(images, components)`.

    Args:
        fits: The mean log-likelihood of a component's codes minus their KL, in nats.
        scores: The guide's logits of the components, relative to the weights.
    """

    fits: NDArray[np.floating]
    scores: NDArray[np.floating]


class Fit(NamedTuple):
    """The best Beta distributions of the sticks of some components.

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


class Halves(NamedTuple):
    """A component in two.

    Args:
        means: Of the codes of each half, with shape `(2, latent)`.
        shares: Of the images.
        gain: What the bound of the images gains by them, in nats.
    """

    means: NDArray[np.floating]
    shares: NDArray[np.floating]
    gain: float

    def nearest_mean(self, codes: NDArray[np.floating]) -> NDArray[np.floating]:
        """The mean of the half that each code is nearest to."""
        return self.means[cdist(codes, self.means).argmin(1)]


def halve(codes: NDArray[np.floating], concentration: float) -> Halves:
    r"""Divides codes by k-means on half of them; the others say what it gains.

    .. math::
        \frac{1}{2} \sum_i \left(|z_i - \bar{z}|^2 - \min_j |z_i - m_j|^2\right)
        + \log \frac{\alpha \Gamma(N_1) \Gamma(N_2)}{\Gamma(N_1 + N_2)}

    The first term is what the KL of the codes loses, if these stay where they are; the
    second is the logarithm of how much more probable two components are than one, by
    the Dirichlet process.

    Args:
        codes: With shape `(images, latent)`.
        concentration: The alpha of the Dirichlet process.

    Returns:
        The halves, whose gain is minus infinity if there is nothing to divide.

    Source: The second term is the ratio of priors in the split moves of Jain and Neal
        (2004).
    """
    some, others = codes[::2], codes[1::2]
    if len(np.unique(some, axis=0)) < 2:
        return Halves(np.zeros((2, codes.shape[1])), np.ones(2) / 2, -np.inf)
    found = KMeans(2, n_init=10, random_state=0).fit(some)
    distances = found.transform(others) ** 2
    counts = np.bincount(distances.argmin(1), minlength=2)
    whole = ((others - some.mean(0)) ** 2).sum(1)
    log_ratio = np.log(concentration) + gammaln(counts).sum() - gammaln(len(others))
    gain = np.sum(whole - distances.min(1)) / 2 + log_ratio if counts.all() else -np.inf
    return Halves(found.cluster_centers_, counts / len(others), float(gain))


class Encoded(NamedTuple):
    """What the guide says of images.

    Args:
        components: The most probable one of each.
        codes: The mean codes, given that component, with shape `(images, latent)`.
        features: What the scores are linear in, with shape `(images, features)`.
        scores: Of which the products with its mean favor a component, with shape
            `(images, latent)`.
    """

    components: NDArray[np.integer]
    codes: NDArray[np.floating]
    features: NDArray[np.floating]
    scores: NDArray[np.floating]


class Split(NamedTuple):
    """Components of which some were split, the largest first.

    Args:
        parents: The component that each was, or was a half of.
        means: With shape `(components, latent)`.
        sticks: The best Beta ones, given the images of each.
        weight: To add to that of the scores, with shape `(latent, features)`.
        bias: To add to that of the scores.
    """

    parents: NDArray[np.integer]
    means: NDArray[np.floating]
    sticks: BetaSticks
    weight: NDArray[np.floating]
    bias: NDArray[np.floating]


def split(
    encoded: Encoded,
    means: NDArray[np.floating],
    counts: NDArray[np.floating],
    most: int,
    concentration: float,
) -> Split:
    """Splits the components that the bound gains by, those that gain most first.

    The scores become the mean of its half for an image of a split component, and stay
    for all others, as far as a ridge regression on the features can do both.

    Args:
        encoded: What the guide says of the images.
        means: Of the components that have a stick.
        counts: The images that each has, those without a stick last.
        most: The components that there can be.
        concentration: Of the prior.
    """
    components, codes, features, scores = encoded
    halves = [halve(codes[components == k], concentration) for k in range(len(means))]
    gains = np.array([each.gain for each in halves])
    found = np.argsort(-gains)[: min(np.sum(gains > 0), most - len(means))]
    parents = np.append(np.arange(len(means)), found)
    means, sizes, wanted = means[parents], counts[parents], scores.copy()
    for place, k in enumerate(found, len(halves)):
        both, of_k = [k, place], components == k
        means[both], sizes[both] = halves[k].means, halves[k].shares * counts[k]
        wanted[of_k] = halves[k].nearest_mean(codes[of_k])
    order = np.argsort(-sizes, kind="stable")
    sticks = BetaSticks.of_counts(np.append(sizes[order], counts[-1]), concentration)
    change = Ridge().fit(features, wanted - scores)
    return Split(parents[order], means[order], sticks, change.coef_, change.intercept_)
