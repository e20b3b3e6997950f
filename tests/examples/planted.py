"""Binary images of planted groups, in NumPy: templates with some pixels flipped."""

import numpy as np

from examples.images.datasets import BinaryImages

NUM_PIXELS, FLIPPED = 64, 0.05


def plant(shares, num_images=1000, seed=0, flipped=FLIPPED):
    """Images of groups, and the groups of those to test.

    Args:
        shares: Of the groups, in proportion; or how many equal ones there are.
        num_images: To learn from; half as many to validate, and as many to test.
        seed: Of templates, groups and noise.
        flipped: The probability that a pixel is not that of the template.
    """
    rng = np.random.default_rng(seed)
    shares = np.ones(shares) if isinstance(shares, int) else np.array(shares, float)
    templates = rng.random((len(shares), NUM_PIXELS)) > 0.5
    number = num_images * 5 // 2
    groups = rng.choice(len(shares), number, p=shares / shares.sum())
    images = templates[groups] ^ (rng.random((number, NUM_PIXELS)) < flipped)
    ends = [num_images, num_images * 3 // 2]
    splits = np.split(images.astype(np.float32), ends)
    return BinaryImages((8, 8), *splits), groups[ends[1] :]
