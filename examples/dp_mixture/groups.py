"""Groups of points, and a search for the most probable ones.

The joint probability of a partition and the points, with all else integrated out, is in
closed form. The search over partitions maximizes it to find starts of the training and
moves to try afterwards; the bound decides which moves are kept.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from sklearn.cluster import KMeans

from examples.dp_mixture.gaussians import Base, fit, log_evidence
from examples.dp_mixture.parameters import log_prior_of_number

Array, Labels = NDArray[np.floating], NDArray[np.integer]
Members = NDArray[np.bool_]
NUM_TRIES, NUM_TURNS, NUM_ROUNDS = 3, 10, 100


def dense(labels: Labels) -> Labels:
    """The same groups, counted from 0."""
    return np.unique(labels, return_inverse=True)[1]


def one_hot(labels: Labels) -> Array:
    """As probabilities of components."""
    return np.eye(labels.max() + 1)[labels]


def start_groups(points: Array, num_groups: int, seed: int) -> Labels:
    """Groups by k-means, started by k-means++ once."""
    num_groups = min(num_groups, len(np.unique(points, axis=0)))
    means = KMeans(num_groups, n_init=1, random_state=seed)
    return dense(means.fit_predict(points))


class Move(NamedTuple):
    """Another partition: what the score gains, how it is made, and the groups."""

    gain: float
    how: str
    labels: Labels


class Search:
    """Greedy moves from partition to partition, those that raise the score most.

    Args:
        base: The distribution of components.
        points: To divide, `(points, d)`.
        seed: Of the tries to split a group.

    Source: Splits and merges as of Jain and Neal (2004), the best instead of random.
    """

    def __init__(self, base: Base, points: Array, seed: int) -> None:
        self.base, self.points, self.seed = base, points, seed
        self._halves: dict[bytes, tuple[float, Labels]] = {}

    def run(self, labels: Labels) -> Labels:
        """Moves and reassigns until the score rises no more."""
        for _ in range(NUM_ROUNDS):
            labels = self.settle(labels)
            best = self.moves(labels)[0]
            if best.gain <= 0:
                return labels
            labels = best.labels
        return labels

    def score(self, labels: Labels) -> float:
        """The log density of the points and of the partition of them, in nats."""
        worth = self.worth(self.points, one_hot(labels))
        return float(worth.sum()) + log_prior_of_number(len(worth), len(labels))

    def settle(self, labels: Labels) -> Labels:
        """Points in the groups where they are most probable, while that is better."""
        for _ in range(NUM_TURNS):
            new = self._reassigned(self.points, labels)
            if self.score(new) <= self.score(labels):
                return labels
            labels = new
        return labels

    def moves(self, labels: Labels) -> list[Move]:
        """Partitions that are one move away, the best first."""
        worth = self.worth(self.points, one_hot(labels))
        found = [*self._splits(labels, worth), *self._of_pairs(labels, worth)]
        return sorted(found, key=lambda move: -move.gain)

    def _splits(self, labels: Labels, worth: Array) -> Iterator[Move]:
        """A group in two."""
        of_number = _change(labels, len(worth), 1)
        for k in range(len(worth)):
            gain, new = self._divided(labels, labels == k, k, len(worth))
            yield Move(gain - worth[k] + of_number, "split", new)

    def _of_pairs(self, labels: Labels, worth: Array) -> Iterator[Move]:
        """Two groups in one, or divided anew: those that are the best in one."""
        pairs = np.array([*combinations(range(len(worth)), 2)], int).reshape(-1, 2)
        both = (labels == pairs[..., None]).any(1)
        before = worth[pairs].sum(1)
        gains = self.worth(self.points, both.T.astype(float)) - before
        for place in np.argsort(-gains)[: len(worth)]:
            one, other = pairs[place]
            merged = dense(np.where(both[place], one, labels))
            of_number = _change(labels, len(worth), -1)
            yield Move(gains[place] + of_number, "merge", merged)
            gain, new = self._divided(labels, both[place], one, other)
            yield Move(gain - before[place], "exchange", new)

    def worth(self, points: Array, probs: Array) -> Array:
        """What each group adds to the score, but for their number."""
        return log_evidence(self.base, points, probs) + gammaln(probs.sum(0))

    def _divided(
        self, labels: Labels, members: Members, one: int, other: int
    ) -> tuple[float, Labels]:
        """The worth of the best halves of some points, and the groups with these."""
        key = members.tobytes()
        if key not in self._halves:
            points = self.points[members]
            tries = [self._halve(points, self.seed + t) for t in range(NUM_TRIES)]
            self._halves[key] = max(tries, key=lambda halves: halves[0])
        worth, halves = self._halves[key]
        new = labels.copy()
        new[members] = np.where(halves == 1, other, one)
        return worth, new

    def _halve(self, points: Array, seed: int) -> tuple[float, Labels]:
        halves = start_groups(points, 2, seed)
        for _ in range(NUM_TURNS):
            halves = self._reassigned(points, halves)
        if halves.max() == 0:
            return -np.inf, halves
        return float(self.worth(points, one_hot(halves)).sum()), halves

    def _reassigned(self, points: Array, labels: Labels) -> Labels:
        """Each point in the group that it is most probable in."""
        probs = one_hot(labels)
        density = fit(self.base, points, probs).mean_log_density(points)
        return dense((density + np.log(probs.sum(0))).argmax(1))


def _change(labels: Labels, num_groups: int, by: int) -> float:
    """What another number of groups changes in the score."""
    numbers = max(num_groups + by, 1), num_groups
    after, before = (log_prior_of_number(k, len(labels)) for k in numbers)
    return after - before
