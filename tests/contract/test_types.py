"""The types that the packages declare, as a type checker sees them."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pyright(*arguments, cwd, path=()):
    """The report of pyright on the environment that runs the tests."""
    here = [str(Path(sys.executable).parent), os.environ["PATH"]]
    found = [*path, *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {
        "PATH": os.pathsep.join(here),
        "PYTHONPATH": os.pathsep.join(map(str, found)),
        # A sixth of the time goes into small heaps of what lives for long.
        "NODE_OPTIONS": "--max-semi-space-size=128",
    }
    command = [sys.executable, "-m", "pyright", "--outputjson", *arguments]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False)
    return json.loads(done.stdout)


def test_the_packages_and_the_code_of_users_have_no_errors():
    places = "pyro_igr", "numpyro_igr", "tests/typing"
    report = pyright("--pythonpath", sys.executable, *places, cwd=ROOT)
    assert report["summary"]["filesAnalyzed"] > 240
    found = [
        f"{d['file']}:{d['range']['start']['line'] + 1}: {d['message']}"
        for d in report["generalDiagnostics"]
    ]
    assert not found, "\n".join(found)


# What keeps a type checker from their types, which is for the hosts to mend: a base
# that is no class, and a mark that is missing.
def mended(host, folder):
    (source,) = find_spec(host).submodule_search_locations
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, folder / host, ignore=ignored)
    (folder / host / "py.typed").touch()
    if host == "pyro":
        file = folder / host / "distributions" / "torch_distribution.py"
        base = "TorchDistributionMixin(Distribution, Callable)"
        assert base in file.read_text()
        file.write_text(file.read_text().replace(base, base.replace(", Callable", "")))
    return folder


# From another folder, so that it is the installed package that is found.
@pytest.mark.parametrize("host", ["pyro", "numpyro"])
def test_nine_in_ten_of_the_public_names_have_a_known_type(host, tmp_path):
    options = "--verifytypes", f"{host}_igr", "--ignoreexternal"
    report = pyright(*options, cwd=tmp_path, path=[mended(host, tmp_path / "mended")])
    assert report["typeCompleteness"]["completenessScore"] >= 0.9
