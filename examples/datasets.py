"""Image data sets for the examples, as NumPy arrays split in three."""

import gzip
import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pooch
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits


class Source(NamedTuple):
    """The files of a data set: their address, folder names and checksums."""

    url: str
    folders: tuple[str, ...]
    md5: dict[str, str]


SOURCES = {
    "mnist": Source(
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        folders=("mnist",),
        md5={
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "fashion-mnist": Source(
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        folders=("fashion_mnist",),
        md5={
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
    "omniglot": Source(
        url="https://raw.githubusercontent.com/brendenlake/omniglot/master/python/",
        folders=("omniglot_small", "omniglot"),
        md5={
            "images_background_small1.zip": "e704a628b5459e08445c13499850abc4",
            "images_background_small2.zip": "b75a71a51d3b13f821f212756fe481fd",
        },
    ),
}
DATASETS = ("digits", *SOURCES)
SHUFFLE_SEED = 0


class Split(NamedTuple):
    """One part of a data set.

    Args:
        images: Pixels in `[0, 1]` as float32, with shape `(N, H * W)`.
        labels: Classes as int64, with shape `(N,)`.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


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
    source = SOURCES[name]
    if data_dir is None:
        paths = [_download(source, file) for file in source.md5]
    else:
        paths = _find(source, Path(data_dir).expanduser())
    read = _read_omniglot if name == "omniglot" else _read_mnist
    return Dataset(name, *read(paths))


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


def _download(source: Source, file: str) -> Path:
    url = source.url + file
    cache = pooch.os_cache("pyro-igr") / source.folders[0]
    try:
        path = pooch.retrieve(
            url, f"md5:{source.md5[file]}", file, cache, progressbar=True
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
    missing = [file for file in source.md5 if file not in found]
    if missing:
        raise FileNotFoundError(
            f"{', '.join(missing)} not found in {' or '.join(map(str, tried))}"
        )
    return [found[file] for file in source.md5]


def _files_in(folder: Path, source: Source) -> dict[str, Path]:
    return {
        file: path
        for file in source.md5
        for path in (folder / file.removesuffix(".gz"), folder / file)
        if path.is_file()
    }


@contextmanager
def _decoding(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # gzip, zipfile and Pillow share no base class
        raise ValueError(f"{path}: truncated or corrupt, expected {kind}") from error


def _read_digits() -> tuple[Split, Split, Split]:
    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)
    return _shuffle_and_split(images, digits.target.astype(np.int64), held_out=250)


def _shuffle_and_split(
    images: NDArray[np.float32], labels: NDArray[np.int64], held_out: int
) -> tuple[Split, Split, Split]:
    size = len(images)
    order = np.random.default_rng(SHUFFLE_SEED).permutation(size)
    parts = np.split(order, [size - 2 * held_out, size - held_out])
    train, validation, test = (Split(images[part], labels[part]) for part in parts)
    return train, validation, test


def _read_mnist(paths: list[Path]) -> tuple[tuple[int, int], Split, Split, Split]:
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
    images, labels = _read_idx(images_path, ndim=3), _read_idx(labels_path, ndim=1)
    size, height, width = images.shape
    if len(labels) != size:
        raise ValueError(
            f"{labels_path}: {len(labels)} labels, expected {size} as in {images_path}"
        )
    pixels = np.divide(images.reshape(size, -1), 255, dtype=np.float32)
    return (height, width), Split(pixels, labels.astype(np.int64))


def _read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        with _decoding(path, "a gzip file"):
            content = gzip.decompress(content)
    magic = bytes([0, 0, 8, ndim])  # 8 stands for unsigned bytes
    if content[:4] != magic:
        raise ValueError(
            f"{path}: starts with bytes {content[:4].hex()!r}, expected the IDX magic "
            f"number {magic.hex()!r}"
        )
    start = 4 * (1 + ndim)
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) != start + math.prod(shape):
        raise ValueError(
            f"{path}: {len(content)} bytes, expected {start + math.prod(shape)} for "
            f"shape {shape}"
        )
    if 0 in shape:
        raise ValueError(f"{path}: shape {shape}, expected at least one item")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read_omniglot(paths: list[Path]) -> tuple[tuple[int, int], Split, Split, Split]:
    drawings: dict[str, NDArray[np.float32]] = {}
    for path in paths:
        drawings |= _read_drawings(path)  # two alphabets are in both archives
    names = sorted(drawings)
    characters = [name.rpartition("/")[0] for name in names]
    _, labels = np.unique(characters, return_inverse=True)
    images = np.stack([drawings[name] for name in names])
    splits = _shuffle_and_split(images, labels.astype(np.int64), len(names) // 10)
    return (28, 28), *splits


def _read_drawings(path: Path) -> dict[str, NDArray[np.float32]]:
    content = io.BytesIO(path.read_bytes())
    with _decoding(path, "a zip file of PNG images"), zipfile.ZipFile(content) as files:
        drawings = {
            name.partition("/")[2]: _read_ink(files.read(name))
            for name in files.namelist()
            if name.count("/") == 3 and name.endswith(".png")
        }
    if not drawings:
        raise ValueError(f"{path}: expected root/alphabet/character/drawing.png in it")
    return drawings


def _read_ink(png: bytes) -> NDArray[np.float32]:
    paper = Image.open(io.BytesIO(png)).convert("L")
    paper = paper.resize((28, 28), Image.Resampling.BOX)
    return 1 - np.asarray(paper, np.float32).ravel() / 255
