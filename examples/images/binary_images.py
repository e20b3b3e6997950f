"""The binary images of a run, as NumPy arrays."""

from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from examples.harness.run_options import RunOptions
from examples.images.datasets import binarize, load_dataset


class BinaryImages(NamedTuple):
    """Images of zeros and ones, split in three.

    Args:
        shape: The height and the width of an image.
        train: The images to learn from, with shape `(N, H * W)`.
        validation: The images to choose by.
        test: The images to report on.
    """

    shape: tuple[int, int]
    train: NDArray[np.float32]
    validation: NDArray[np.float32]
    test: NDArray[np.float32]


def load_binary_images(options: RunOptions) -> BinaryImages:
    """Load the images that the options name, binarized at one half.

    Args:
        options: The data set, its folder and the size of a batch.

    Returns:
        The images.

    Raises:
        ValueError: If a file is malformed, or a batch larger than the training split.
        FileNotFoundError: If the folder or a file in it does not exist.
        OSError: If a download fails.
    """
    dataset = load_dataset(options.dataset, options.data_dir)
    splits = dataset.train, dataset.validation, dataset.test
    if options.batch_size > len(dataset.train.images):
        raise ValueError(
            f"expected --batch-size to be at most {len(dataset.train.images)}, the "
            f"training images of {options.dataset}, got {options.batch_size}"
        )
    return BinaryImages(dataset.image_shape, *(binarize(s.images) for s in splits))


def digest(images: NDArray[np.floating]) -> str:
    """A number, in hexadecimal, that only these binary images have."""
    content = str(images.shape).encode() + np.packbits(images.astype(bool)).tobytes()
    return sha256(content).hexdigest()[:16]


def load_labels(options: RunOptions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Load the classes of the training and of the test images.

    Args:
        options: The data set and its folder.
    """
    dataset = load_dataset(options.dataset, options.data_dir)
    return dataset.train.labels, dataset.test.labels
