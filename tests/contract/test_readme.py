"""The README's code runs, and its commands are those that are tested."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_code_block_runs(block):
    host = "numpyro" if "import numpyro" in block else "pyro"
    if importlib.util.find_spec(host) is None:
        pytest.skip(f"{host} is not installed")
    command = [sys.executable, "-W", "error", "-c", block]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    elbo = float(re.search(r"discrete model: (\S+) nats", done.stdout)[1])
    assert -2.5 < elbo < -1.5


def test_continuous_integration_runs_the_readme_command():
    commands = re.findall(r"^    (python3 -m venv .*pytest.*)$", README, re.MULTILINE)
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text()
