"""Omniglot-small: the two small background sets, reduced to 28x28."""

import io
import zipfile
from pathlib import Path

import numpy as np
from decoding import decoding
from numpy.typing import NDArray
from PIL import Image
from splits import Split, shuffle_and_split


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
    content = io.BytesIO(path.read_bytes())
    with decoding(path, "a zip file of PNG images"), zipfile.ZipFile(content) as files:
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
