"""Folders to write to, made sure of before hours have gone into their content."""

import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Create the folder of the figures, if need be.

    Raises:
        OSError: If it cannot be created or written to.
    """
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK):
        raise PermissionError(f"--figures {path} cannot be written to")
