"""Trials of fewer components: each left out, and each merged with its neighbor."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from examples.dp_mixture_vae.fitting import Fit


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


def merge_neighbors(
    means: NDArray[np.floating], found: Fit
) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    """Pairs of a component and the one that is nearest to it, and their common mean."""
    of = means[found.components]
    if len(of) < 2:
        return np.zeros((0, 2), int), of[:0]
    distances = cdist(of, of) + np.diag(np.full(len(of), np.inf))
    nearest = np.stack([np.arange(len(of)), distances.argmin(1)], 1)
    pairs = found.components[np.unique(np.sort(nearest, 1), axis=0)]
    shares = found.counts[pairs][..., None] + 1e-9
    return pairs, (shares * means[pairs]).sum(1) / shares.sum(1)
