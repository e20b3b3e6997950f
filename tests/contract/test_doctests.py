"""The examples in docstrings of public names run, and print what they say."""

import ast
import doctest
import importlib.util
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
def test_a_public_name_has_an_example_that_runs(twin, name):
    if importlib.util.find_spec(HOSTS[twin]) is None:
        pytest.skip(f"{HOSTS[twin]} is not installed")
    find = doctest.DocTestFinder().find
    found = [x for part in parts(twin, name) for x in find(part, part.__name__)]
    found = [x for x in found if x.examples]
    assert name in [x.name for x in found]
    for example in found:
        example.globs, report = {"__name__": "__main__"}, []
        with parameters(HOSTS[twin]):
            doctest.DocTestRunner().run(example, out=report.append)
        assert not report, "".join(report)
