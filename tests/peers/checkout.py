"""Reads programs out of a checkout of a host, as they stand or with an edit."""

import ast
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock


class Edit:
    """What is written in place of something within one definition of a file.

    Args:
        definition: Its name, or a dotted path to a nested one.
        changes: Each text that has to be there, and what takes its place.
    """

    def __init__(self, definition: str, changes: dict[str, str]) -> None:
        self.definition, self.changes = definition, changes

    def described(self) -> str:
        """Both sides of each change, for a table."""
        texts = self.changes.items()
        texts = [(old.strip(), new.strip().replace("|", "\\|")) for old, new in texts]
        return "; ".join(f"`{a}` to `{b}`" if b else f"no `{a}`" for a, b in texts)

    def apply(self, text: str) -> str:
        """The text of a file, edited."""
        before = after = segment(text, self.definition)
        for old, new in self.changes.items():
            if old not in after:
                raise ValueError(f"expected {old!r} in {self.definition}")
            after = after.replace(old, new)
        return text.replace(before, after)


def segment(text: str, definition: str) -> str:
    """The lines of a definition."""
    node = ast.parse(text)
    for name in definition.split("."):
        (node,) = (n for n in node.body if getattr(n, "name", None) == name)
    first = min([node, *node.decorator_list], key=lambda n: n.lineno).lineno
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def module(
    path: Path, edit: Edit | None, names: dict[str, Any], absent: tuple[str, ...] = ()
) -> ModuleType:
    """A file as a module that nothing else can import.

    Args:
        path: The file.
        edit: The edit.
        names: What the edit needs, beside what the file imports itself.
        absent: The modules that are imported without being needed.
    """
    spec = importlib.util.spec_from_loader(path.stem, loader=None, origin=str(path))
    made = importlib.util.module_from_spec(spec)
    made.__dict__.update(names, __file__=str(path))
    text = path.read_text()
    text = text if edit is None else edit.apply(text)
    sys.modules |= {name: MagicMock() for name in absent}
    exec(compile(text, str(path), "exec"), made.__dict__)
    return made


def cell(
    path: Path, index: int, edit: Edit | None, names: dict[str, Any]
) -> dict[str, Any]:
    """What a cell of a notebook defines."""
    text = "".join(json.loads(path.read_text())["cells"][index]["source"])
    text = text if edit is None else edit.apply(text)
    made = dict(names)
    exec(compile(text, f"{path}:{index}", "exec"), made)
    return made


def nested(
    path: Path, definition: str, edit: Edit | None, names: dict[str, Any]
) -> Any:
    """A function that is defined within another, as if it were not."""
    text = path.read_text()
    text = text if edit is None else edit.apply(text)
    lines = segment(text, definition).splitlines()
    margin = len(lines[0]) - len(lines[0].lstrip())
    made = dict(names)
    exec("\n".join(line[margin:] for line in lines), made)
    return made[definition.split(".")[-1]]
