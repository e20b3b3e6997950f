"""The examples in docstrings run, and print what they say; public names have one."""

import ast
import doctest
from importlib import import_module
from pathlib import Path

import pytest
from programs import parameters

ROOT = Path(__file__).parents[2]
HOSTS = {"pyro_igr": "pyro", "numpyro_igr": "numpyro"}


def exported(twin):
    for node in ast.parse((ROOT / twin / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return [x for x in ast.literal_eval(node.value) if x != "__version__"]
    raise AssertionError(f"{twin} has no __all__")


PUBLIC = [(twin, name) for twin in HOSTS for name in exported(twin)]


def parts(twin, name):
    """A public thing, and classes without a public name that it is made of."""
    thing = getattr(import_module(twin), name)
    bases = thing.__mro__[1:] if isinstance(thing, type) else ()
    ours = (base for base in bases if base.__module__.startswith(f"{twin}."))
    return [thing, *(base for base in ours if base.__name__ not in exported(twin))]


@pytest.mark.parametrize(("twin", "name"), PUBLIC)
def test_a_public_name_has_an_example(twin, name):
    pytest.importorskip(HOSTS[twin])
    find = doctest.DocTestFinder().find
    found = [x for part in parts(twin, name) for x in find(part, part.__name__)]
    assert name in [x.name for x in found if x.examples]


def documented(twin, file):
    """How many docstrings of a file have an example."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    nodes = ast.walk(ast.parse((ROOT / twin / file).read_text()))
    words = [ast.get_docstring(node) for node in nodes if isinstance(node, kinds)]
    return sum(">>>" in (text or "") for text in words)


FILES = [
    (twin, file)
    for twin in HOSTS
    for file in sorted(
        str(p.relative_to(ROOT / twin)) for p in (ROOT / twin).rglob("*.py")
    )
    if documented(twin, file)
]


@pytest.mark.parametrize(("twin", "file"), FILES)
def test_the_examples_of_a_file_run(twin, file):
    pytest.importorskip(HOSTS[twin])
    module = import_module(f"{twin}.{file[:-3].replace('/', '.')}")
    found = [x for x in doctest.DocTestFinder().find(module) if x.examples]
    assert len(found) == documented(twin, file)
    for example in found:
        example.globs, report = {"__name__": "__main__"}, []
        with parameters(HOSTS[twin]):
            doctest.DocTestRunner().run(example, out=report.append)
        assert not report, "".join(report)
