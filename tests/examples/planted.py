"""Binary images of planted groups, in NumPy: templates with some pixels flipped."""

import numpy as np

from examples.images.datasets import BinaryImages

NUM_PIXELS, FLIPPED = 64, 0.05


def plant(num_groups, num_images, seed=0):
    """Images of so many groups of equal probability, and the groups of the test."""
    rng = np.random.default_rng(seed)
    templates = rng.random((num_groups, NUM_PIXELS)) > 0.5
    groups = rng.integers(0, num_groups, num_images)
    images = templates[groups] ^ (rng.random((num_images, NUM_PIXELS)) < FLIPPED)
    train, validation, test = np.split(images.astype(np.float32), [-600, -300])
    return BinaryImages((8, 8), train, validation, test), groups[-300:]
