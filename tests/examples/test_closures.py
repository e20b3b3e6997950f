"""Each example opens few files, and none goes behind the packages' back."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "examples").rglob("*.py"))
ENTRIES = [path for path in FILES if 'if __name__ == "__main__":' in path.read_text()]
STUDY = [path for path in ENTRIES if path.parent.name == "study"]
MOST_FILES = 12


def name_of(path):
    return str(path.relative_to(ROOT))


def imported(path):
    """The full names of what a file imports, wherever it does, from modules too."""
    names = set()
    for statement in ast.walk(ast.parse(path.read_text())):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0, f"a relative import in {name_of(path)}"
            names.add(statement.module)
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names}
    return names


def closure(entry):
    """The files of the examples that one of them needs, itself included."""
    found, left = set(), [entry]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            files = (ROOT / f"{n.replace('.', '/')}.py" for n in imported(path))
            left += [file for file in files if file in FILES]
    return found


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_an_entry_opens_a_dozen_files_at_most(entry):
    files = closure(entry)
    if entry in STUDY:  # which is of examples that are read on their own
        files = files - set().union(*map(closure, files & set(ENTRIES) - {entry}))
    assert len(files) <= MOST_FILES, sorted(map(name_of, files))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_an_example_uses_what_is_public_and_nothing_of_the_other_host(path):
    ours = {n for n in imported(path) if n.split(".")[0] in {"pyro_igr", "numpyro_igr"}}
    assert not [n for n in ours if any(p.startswith("_") for p in n.split("."))]
    assert len({n.split(".")[0] for n in ours}) <= 1


def test_a_package_of_examples_is_its_files_alone():
    for path in FILES:
        if path.name == "__init__.py":
            (docstring,) = ast.parse(path.read_text()).body
            assert isinstance(docstring.value, ast.Constant)


def test_there_is_an_entry_of_each_host_for_every_example():
    # A study runs its members as one program, for which Pyro has no engine.
    names = {name_of(path) for path in ENTRIES if path not in STUDY}
    assert {n.replace("_numpyro", "_pyro") for n in names if "_numpyro" in n} == {
        n for n in names if "_numpyro" not in n
    }
    assert len(names) == 16
