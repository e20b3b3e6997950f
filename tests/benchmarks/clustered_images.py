"""Images whose groups are known, and the options that their mixtures have."""

from functools import cache, partial

import numpy as np

from examples.images.datasets import BinaryImages, binarize, load_dataset
from tests.examples.planted import plant

LINEAR = {
    "num_epochs": 80,
    "revise_from": 10,
    "revise_every": 5,
    "encoder": (50, 50),
    "decoder": (),
    "latent_dim": 20,
    "spread": 2.0,
}
HIDDEN = LINEAR | {
    "encoder": (100, 100),
    "decoder": (100,),
    "latent_dim": 10,
    "spread": 1.0,
}


def shuffled(name, split):
    """The images of a data set, split in another way, and the test labels."""
    dataset = load_dataset(name)
    parts = dataset.train, dataset.validation, dataset.test
    images, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.random.default_rng(split).permutation(len(images))
    ends = np.cumsum([len(part.images) for part in parts])[:-1]
    splits = np.split(binarize(images[order]), ends)
    return BinaryImages(dataset.image_shape, *splits), labels[order][ends[1] :]


class Data:
    """Images with groups, by seed.

    Args:
        name: What the table says of them.
        groups: How many there are.
        make: The images and the groups of those to test, for a seed.
        capacities: The components to start with.
        settings: The other options of the mixture.
    """

    def __init__(self, name, groups, make, capacities=(20,), settings=LINEAR):
        self.name, self.groups, self.settings = name, groups, settings
        self.make, self.capacities = cache(make), capacities


def equal(number):
    """So many groups of the same size."""
    make = partial(_plant, number)
    return Data("equal groups", number, make, (3, 20, 60))


def _plant(shares, seed, flipped=0.05):
    return plant(shares, seed=seed, flipped=flipped)


def noisy(flipped):
    """Seven groups, with so many pixels flipped."""
    make = partial(_plant, 7, flipped=flipped)
    return Data(f"{flipped:.0%} of pixels flipped", 7, make)


def digits(split):
    """The digits, split in another way."""
    make = partial(_shuffled, "digits", split)
    return Data(f"digits, split {split}", 10, make, settings=HIDDEN)


def _shuffled(name, split, seed):
    return shuffled(name, split)


DATA = [
    equal(40),
    Data("independent fair pixels", 1, partial(_plant, 1, flipped=0.5)),
    Data("one group", 1, partial(_plant, 1)),
    Data("60, 20, 10, 5, 3, 2 %", 6, partial(_plant, (60, 20, 10, 5, 3, 2))),
    noisy(0.25),
    *map(digits, (1, 2)),
    *map(equal, (15, 7)),
    *map(noisy, (0.2, 0.15)),
    *map(equal, (25, 3)),
    Data("mnist-5k", 10, partial(_shuffled, "mnist-5k", 1), settings=HIDDEN),
]
