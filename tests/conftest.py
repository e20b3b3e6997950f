"""The contract suite runs against both twins through the ``backend`` fixture."""

import gc
import importlib
import importlib.metadata
import importlib.util
import os
import sys

import pytest

HOSTS = ("pyro", "numpyro")

# Most of what tests compile runs once, so that code made fast is faster than fast code.
# A flag of the user comes later in the line, and wins.
XLA_FLAGS = (
    "--xla_backend_optimization_level=0"
    " --xla_llvm_disable_expensive_passes=true"
    " --xla_cpu_parallel_codegen_split_count=1"
)
# Newer XLA does not know this one, and ends the process at what it does not know.
OF_OLDER_XLA = " --xla_cpu_use_fusion_emitters=false"


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Keeps most tests of a file, which share what is compiled, in one worker.

    Workers take long runs of tests in order, and give some away to one that is idle. A
    worker has one thread for PyTorch, since there are as many workers as cores, and
    one heap: XLA compiles in threads of its own, but in one at a time.
    """
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "worksteal"
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("MALLOC_ARENA_MAX", "1")


def pytest_configure(config):
    """Has XLA compile fast, and keeps what it compiles from run to run.

    Workers and subprocesses share it. Who reads what another is writing compiles it,
    with a warning that is ignored.
    """
    given = os.environ.get("XLA_FLAGS", "")
    if not given.startswith(XLA_FLAGS):
        os.environ["XLA_FLAGS"] = f"{XLA_FLAGS}{_of_older_xla()} {given}"
    gc.set_threshold(20_000)
    # Programs without the lines of Python that they come from are smaller.
    os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")
    if hasattr(config, "cache"):
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("xla"))
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


def _of_older_xla():
    if importlib.util.find_spec("jaxlib") is None:
        return ""
    release = importlib.metadata.version("jaxlib").split(".")[:2]
    return OF_OLDER_XLA if [int(x) for x in release] < [0, 11] else ""


def pytest_collection_finish():
    """Has the search for cycles, which comes seldom, pass over what was imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=HOSTS)
def backend(request):
    """The adapter of one twin, in double precision; skips where it has no host."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    adapter = importlib.import_module(f"backends.{request.param}_backend")
    with adapter.double_precision():
        yield adapter


@pytest.fixture
def host(backend):
    """Programs and engines of one twin, with its host as if it had just started."""
    engines = importlib.import_module(backend.__name__.replace("_backend", "_engines"))
    with engines.fresh():
        yield engines


@pytest.fixture
def guides(backend, host):
    """What the automatic guides of the host have learned, and what they report."""
    return importlib.import_module(backend.__name__.replace("_backend", "_guides"))


@pytest.fixture(autouse=True, scope="module")
def bounded_memory():
    """Forgets what was compiled for a module: no other has the same functions."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
