"""The files of image data sets: where they are, and what is in them.

They are IDX (MNIST and Fashion-MNIST) and zip (Omniglot); of neither is more read than
its headers say, and one that is not what it should be is one clear error.
"""

import gzip
import io
import json
import math
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

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
