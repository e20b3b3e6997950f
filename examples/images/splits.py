"""Images and labels, and how a set of them is split in three."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SHUFFLE_SEED = 0


class Split(NamedTuple):
    """One part of a data set.

    Args:
        images: Pixels in `[0, 1]` as float32, with shape `(N, H * W)`.
        labels: Classes as int64, with shape `(N,)`.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def shuffle_and_split(
    images: NDArray[np.float32], labels: NDArray[np.int64], held_out: int
) -> tuple[Split, Split, Split]:
    """Training, validation and test split, the same on every call.

    Args:
        images: All images.
        labels: Their labels.
        held_out: How many to validate on, and how many to test on.
    """
    size = len(images)
    order = np.random.default_rng(SHUFFLE_SEED).permutation(size)
    parts = np.split(order, [size - 2 * held_out, size - held_out])
    train, validation, test = (Split(images[part], labels[part]) for part in parts)
    return train, validation, test
