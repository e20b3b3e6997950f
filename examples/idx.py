"""IDX files, the format of MNIST and of Fashion-MNIST."""

import gzip
import math
from pathlib import Path

import numpy as np
from decoding import decoding
from numpy.typing import NDArray
from splits import Split


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
    content = path.read_bytes()
    if path.suffix == ".gz":
        with decoding(path, "a gzip file"):
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
