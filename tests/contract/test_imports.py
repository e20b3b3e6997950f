"""Each twin alone, in a process of its own."""

import importlib.util
import subprocess
import sys

import pytest

HOSTS = {
    "pyro_igr": ("pyro", ("jax", "jaxlib", "numpyro")),
    "numpyro_igr": ("numpyro", ("torch", "pyro")),
}


def run(code):
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("twin", HOSTS)
def test_a_twin_never_loads_the_framework_of_the_other(twin):
    host, foreign = HOSTS[twin]
    if importlib.util.find_spec(host) is None:
        pytest.skip(f"{host} is not installed")
    done = run(f"import sys, {twin}; print([m for m in {foreign} if m in sys.modules])")
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize("twin", HOSTS)
def test_a_missing_host_is_one_line_that_names_the_extra(twin):
    host, _ = HOSTS[twin]
    done = run(f"import sys; sys.modules['{host}'] = None; import {twin}")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError")
    assert f"pip install 'pyro-igr[{host}]'" in last
