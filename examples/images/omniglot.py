"""Omniglot-small: the two small background sets, reduced to 28x28."""

import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from examples.images.decoding import Malformed, decoding
from examples.images.splits import Split, shuffle_and_split

SIZE, MOST_BYTES = (105, 105), 2**16  # a raw drawing has 11,025 pixels
METHODS = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED  # the others unpack beyond a size


def read_omniglot(paths: list[Path]) -> tuple[tuple[int, int], Split, Split, Split]:
    """Shape of the images, and the three splits.

    Args:
        paths: Archives of drawings, some of which are in both.

    Raises:
        ValueError: If an archive is malformed.
    """
    drawings: dict[str, NDArray[np.float32]] = {}
    for path in paths:
        drawings |= _read_drawings(path)  # two alphabets are in both archives
    names = sorted(drawings)
    characters = [name.rpartition("/")[0] for name in names]
    _, labels = np.unique(characters, return_inverse=True)
    images = np.stack([drawings[name] for name in names])
    splits = shuffle_and_split(images, labels.astype(np.int64), len(names) // 10)
    return (28, 28), *splits


def _read_drawings(path: Path) -> dict[str, NDArray[np.float32]]:
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
    if member.compress_type not in METHODS or member.file_size > MOST_BYTES:
        raise Malformed(
            f"{path}: {member.filename} of {member.file_size} bytes, expected at most "
            f"{MOST_BYTES}, stored or deflated"
        )
    with files.open(member) as file:
        png = file.read(member.file_size + 1)
    paper = Image.open(io.BytesIO(png), formats=["PNG"])
    if paper.size != SIZE:
        raise Malformed(
            f"{path}: {member.filename} of size {paper.size}, expected {SIZE}"
        )
    small = paper.convert("L").resize((28, 28), Image.Resampling.BOX)
    return 1 - np.asarray(small, np.float32).ravel() / 255
