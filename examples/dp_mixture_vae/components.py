"""The sticks and the components of a mixture, in NumPy: starts, deletions, merges.

Components are judged by the mean-field bound, in which they are independent of the
weights. In the bound that is trained, they depend on the weights, and copies of a
component cost almost nothing, so gradients do not delete them. Deleting one lowers that
bound by a nat or two for all images together, before decoder and encoder adapt.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.special import (
    betaln,
    digamma,
    log_expit,
    logsumexp,
    ndtri,
    polygamma,
    roots_hermitenorm,
)

NODES, WEIGHTS = roots_hermitenorm(64)
START_SCALE = np.exp(-1.0)
AXES_OF_STICKS = {"means": 0, "breaks": 1, "breaks_of_image": 1}
NUM_ROUNDS, LEVEL, FEWEST_IMAGES = 3, 0.01, 0.5


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
        the first with a probability of delta / M at most, whatever the alternative.
        The second takes what images lose for noise that is as large on both sides.

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


class Move(NamedTuple):
    """A change of the components that the bound of held-out images asks for.

    Args:
        num_epochs: After how many epochs.
        kind: Its place in `KINDS`.
        before: The bound without it, in nats per image.
        after: With it.
    """

    num_epochs: int
    kind: int
    before: float
    after: float


KINDS = "deletion", "merge", "split"


class Judged(NamedTuple):
    """What is left of the components.

    Args:
        fit: Their sticks.
        means: Those of all components; a merged one is in the place of one of two.
        moves: Deletions and merges, then those splits that were needed.
    """

    fit: Fit
    means: NDArray[np.floating]
    moves: list[Move]


Measure = Callable[[NDArray[np.floating]], NDArray[np.floating]]


def judge(
    measure: Measure,
    means: NDArray[np.floating],
    counts: NDArray[np.floating],
    concentration: float,
    num_images: int,
    tried: Sequence[int] = (),
    num_epochs: int = 0,
) -> Judged:
    """Deletes and merges components that held-out images do not need.

    First those that the guide gives hardly an image, without a word. Then the least
    needed ones, one after another, until all are needed. With and without, the sticks
    are the best ones for these images, and each is of the components that its codes are
    best with.

    Args:
        measure: What held-out images say of components with some means: the mean
            log-likelihood of the codes minus their KL, `(images, components)`.
        means: Of the components, that of the rest, zero, last.
        counts: The images that each has, at the start.
        concentration: Of the prior.
        num_images: That there are to learn from.
        tried: Those that a split has added, on trial.
        num_epochs: After which this is.

    Source: The delete and merge moves of Hughes and Sudderth (2013); the order,
        Kurihara, Welling and Teh (2007).
    """
    fit = partial(fit_sticks, concentration=concentration, num_images=num_images)
    means, fits, moves = means.copy(), measure(means), []
    are_used = np.flatnonzero(counts[:-1] >= min(FEWEST_IMAGES, counts[:-1].max()))
    components = np.union1d(are_used, np.array(tried, int))
    found = fit(fits, components=components, counts=counts)
    best, trials = found, None
    while trials is None or trials.moves:
        best = max(best, found, key=lambda each: each.bound)
        pairs, merged = _merge_neighbors(means, found)
        of_pairs = measure(np.resize(np.append(merged, means[-1:], 0), means.shape))
        columns = fits[:, :-1], of_pairs[:, : len(pairs)], fits[:, -1:]
        trials = Trials(partial(fit, np.concatenate(columns, 1)), found, best, pairs)
        trials.run()
        for pair in trials.merged:
            place = pairs[pair, 0]
            means[place], fits[:, place] = merged[pair], of_pairs[:, pair]
        moves += [Move(num_epochs, *move) for move in trials.moves]
        found = trials.result()
    without = [trials.without[k] for k in tried if k in found.components]
    needed = filter(np.isfinite, without)  # none is tried without the last component
    split = KINDS.index("split")
    moves += [Move(num_epochs, split, before, found.bound) for before in needed]
    return Judged(found, means, moves)


class Trials:
    """Tries what is simpler than a fit, and takes what is not worse.

    Args:
        fit: The fit of some components, from some counts.
        found: The one to simplify.
        best: Another, that it must not get worse than either.
        pairs: Components to merge, whose merged ones come after all but the rest.
    """

    def __init__(
        self,
        fit: Callable[..., Fit],
        found: Fit,
        best: Fit,
        pairs: NDArray[np.integer],
    ) -> None:
        self.fit, self.best, self.pairs = fit, best, pairs
        self.first = len(found.counts) - 1
        counts = np.insert(found.counts, self.first, found.counts[pairs].sum(1))
        self.found = fit(components=found.components, counts=counts)
        self.moves: list[tuple[int, float, float]] = []
        self.merged: list[int] = []
        self.without = dict.fromkeys(found.components.tolist(), -np.inf)

    def run(self) -> None:
        """Try all, the likeliest first, but none with a component that has changed."""
        singles = [([int(k)], []) for k in self.found.components]
        pairs = [(pair, [self.first + i]) for i, pair in enumerate(self.pairs.tolist())]
        counts, touched = self.found.counts.copy(), set()
        all_of = [self.try_without(*each, counts) for each in singles + pairs]
        for place in np.argsort([-fit.bound for fit in all_of], kind="stable"):
            gone, added = (singles + pairs)[place]
            if touched.isdisjoint(gone) and len(self.found.components) > 1:
                simpler = self.try_without(gone, added, counts)
                if self.is_needed(simpler, len(all_of)):
                    for k in gone:
                        self.without[k] = max(self.without[k], simpler.bound)
                else:
                    bounds = self.found.bound, simpler.bound
                    self.moves.append((len(added), *bounds))
                    self.found = simpler
                    self.merged += [each - self.first for each in added]
                    touched.update(gone)

    def try_without(
        self, gone: list[int], added: list[int], counts: NDArray[np.floating]
    ) -> Fit:
        """The fit without some components, and with what they are merged to."""
        left = np.setdiff1d(self.found.components, gone).tolist()
        return self.fit(components=np.array(left + added, int), counts=counts)

    def is_needed(self, simpler: Fit, num_tried: int) -> bool:
        """Whether images need what a fit is without."""
        fits = self.found, self.best
        return any(each.is_needed(simpler, num_tried) for each in fits)

    def result(self) -> Fit:
        """The fit in the end, with merged components in the place of one of two."""
        places = np.append(np.arange(self.first), self.pairs[:, 0])
        counts = np.zeros(self.first + 1)
        np.add.at(counts, np.append(places, self.first), self.found.counts)
        components = places[self.found.components]
        return self.found._replace(components=components, counts=counts)


def _merge_neighbors(
    means: NDArray[np.floating], found: Fit
) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    """Pairs of a component and the one that is nearest to it, and their common mean."""
    points = means[found.components]
    if len(points) < 2:
        return np.zeros((0, 2), int), points[:0]
    distances = cdist(points, points) + np.diag(np.full(len(points), np.inf))
    nearest = np.stack([np.arange(len(points)), distances.argmin(1)], 1)
    pairs = found.components[np.unique(np.sort(nearest, 1), axis=0)]
    shares = found.counts[pairs][..., None] + 1e-9
    return pairs, (shares * means[pairs]).sum(1) / shares.sum(1)
