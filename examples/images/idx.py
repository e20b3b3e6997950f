"""IDX files, the format of MNIST and of Fashion-MNIST."""

import gzip
import math
import struct
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from examples.images.decoding import Malformed, decoding
from examples.images.splits import Split

MOST_BYTES = 2**28  # five times what MNIST has


def read_mnist(paths: list[Path]) -> tuple[tuple[int, int], Split, Split, Split]:
    """Shape of the images, and the three splits.

    Args:
        paths: Training images and labels, then test images and labels.

    Raises:
        ValueError: If a file is malformed, or two of them do not agree.
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
    images, labels = _read_idx(images_path, ndim=3), _read_idx(labels_path, ndim=1)
    size, height, width = images.shape
    if len(labels) != size:
        raise ValueError(
            f"{labels_path}: {len(labels)} labels, expected {size} as in {images_path}"
        )
    pixels = np.divide(images.reshape(size, -1), 255, dtype=np.float32)
    return (height, width), Split(pixels, labels.astype(np.int64))


def _read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
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
