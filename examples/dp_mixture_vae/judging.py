"""Deletes and merges components that held-out images do not need, in NumPy.

Components are judged by the mean-field bound, in which they are independent of the
weights. In the bound that is trained, they depend on the weights, and copies of a
component cost almost nothing, so gradients do not delete them. Deleting one lowers that
bound by a nat or two for all images together, before decoder and encoder adapt.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from examples.dp_mixture_vae.fitting import Fit, fit_sticks
from examples.dp_mixture_vae.trials import Trials, merge_neighbors


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


FEWEST_IMAGES = 0.5
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
    are the best ones, and an image is of the components that its codes are best with.

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
        pairs, merged = merge_neighbors(means, found)
        of_pairs = measure(np.resize(np.append(merged, means[-1:], 0), means.shape))
        columns = fits[:, :-1], of_pairs[:, : len(pairs)], fits[:, -1:]
        trials = Trials(partial(fit, np.concatenate(columns, 1)), found, best, pairs)
        trials.run()
        for pair in trials.merged:
            place = pairs[pair, 0]
            means[place], fits[:, place] = merged[pair], of_pairs[:, pair]
        moves += [Move(num_epochs, *move) for move in trials.moves]
        found = trials.result()
    needed = [trials.without[k] for k in tried if k in found.components]
    split = KINDS.index("split")
    moves += [Move(num_epochs, split, before, found.bound) for before in needed]
    return Judged(found, means, moves)
