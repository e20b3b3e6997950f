"""The contract suite runs against both twins through the ``backend`` fixture."""

import importlib
import importlib.util
import sys

import pytest

HOSTS = ("pyro", "numpyro")


@pytest.fixture(params=HOSTS)
def backend(request):
    """The adapter of one twin, in double precision; skips where it has no host."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    adapter = importlib.import_module(f"backends.{request.param}_backend")
    with adapter.double_precision():
        yield adapter


@pytest.fixture(autouse=True, scope="module")
def bounded_memory():
    """Forgets what was compiled for a module: no other has the same functions."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
