"""One error for whatever a decoder says of a broken file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def decoding(path: Path, kind: str) -> Iterator[None]:
    """Turns any error inside into a ValueError that names the file and its kind."""
    try:
        yield
    except Exception as error:  # gzip, zipfile and Pillow share no base class
        raise ValueError(f"{path}: truncated or corrupt, expected {kind}") from error
