"""Image data sets for the examples, as NumPy arrays split in three."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from examples.images.idx import read_mnist
from examples.images.omniglot import read_omniglot
from examples.images.sources import SOURCES, locate
from examples.images.splits import Split, shuffle_and_split

DATASETS = ("digits", *SOURCES)


class Dataset(NamedTuple):
    """A data set of gray images, split in three.

    Args:
        name: One of `DATASETS`.
        image_shape: The height and the width of an image.
        train: The images to learn from.
        validation: The images to choose by.
        test: The images to report on.
    """

    name: str
    image_shape: tuple[int, int]
    train: Split
    validation: Split
    test: Split


def load_dataset(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Load a data set, split the same way on every call.

    - `digits`: the 8x8 digits that come with scikit-learn, which need no file,
      shuffled and split 1,297 / 250 / 250.
    - `mnist` and `fashion-mnist`: 28x28 images. The last sixth of the training
      images, 10,000 of 60,000, is the validation split.
    - `omniglot`: Omniglot-small, the two small background sets (8 alphabets, 242
      characters) reduced to 28x28, shuffled and split 80 / 10 / 10 percent. A label
      is the index of a character in sorted order.

    Args:
        name: One of `DATASETS`.
        data_dir: A folder with the files of the data set, or with a folder of them
            (`mnist`, `fashion_mnist`, `omniglot_small` or `omniglot`); IDX files may
            be gzipped or not. If `None`, the files are downloaded once and cached.

    Returns:
        The data set.

    Raises:
        ValueError: If the name is unknown or a file is malformed.
        FileNotFoundError: If `data_dir` or a file in it does not exist.
        OSError: If a download fails.
    """
    if name not in DATASETS:
        raise ValueError(f"unknown data set {name!r}, expected one of {DATASETS}")
    if name == "digits":
        return Dataset(name, (8, 8), *_read_digits())
    read = read_omniglot if name == "omniglot" else read_mnist
    return Dataset(name, *read(locate(SOURCES[name], data_dir)))


def binarize(
    images: NDArray[np.float32], threshold: float = 0.5
) -> NDArray[np.float32]:
    """Binarize images statically.

    Args:
        images: The pixels, of any shape.
        threshold: The value above which a pixel becomes 1.

    Returns:
        The images as float32 zeros and ones.
    """
    return (images > threshold).astype(np.float32)


def _read_digits() -> tuple[Split, Split, Split]:
    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)
    return shuffle_and_split(images, digits.target.astype(np.int64), held_out=250)
