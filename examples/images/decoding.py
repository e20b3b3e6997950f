"""One error for whatever a decoder says of a broken file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
