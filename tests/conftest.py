"""The contract suite runs against both twins through the ``backend`` fixture."""

import importlib
import importlib.util
import os
import sys

import pytest

HOSTS = ("pyro", "numpyro")


def pytest_configure(config):
    """Keeps what XLA compiles from run to run, and for subprocesses.

    A folder for each worker, since none expects another to be writing.
    """
    if hasattr(config, "cache"):
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        folder = str(config.cache.mkdir(f"xla-{worker}"))
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


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
