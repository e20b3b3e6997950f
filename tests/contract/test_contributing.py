"""What CONTRIBUTING says runs, and what it names exists."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
PROSE = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
PATHS = sorted(set(re.findall(r"`([\w./]+\.\w{2,4})`", PROSE)))
# The estimator on the page against a sum over the categories.
CHECK_IN_NUMPYRO = """
import jax, jax.numpy as jnp, numpy as np, numpyro
from numpyro.distributions import Normal
from numpyro_igr import IGRStickBreaking
from scipy.stats import norm

centres, stick = np.array([-1.0, 0.0, 2.0]), norm.cdf(1.0)

def model():
    z = numpyro.sample("z", IGRStickBreaking(0.1, jnp.zeros(2), jnp.ones(2)))
    numpyro.sample("x", Normal(z @ centres, 1.0), obs=0.5)

def guide():
    numpyro.sample("z", IGRStickBreaking(0.1, jnp.ones(2), jnp.ones(2)))

p = np.array([0.5, 0.25, 0.25])
q = np.array([stick, (1 - stick) * stick, (1 - stick) ** 2])
exact = (q * np.log(q / p)).sum() - q @ norm.logpdf(0.5, centres)
engine = TraceScore_ELBO(num_particles=5000)
found = engine.loss(jax.random.key(0), {}, model, guide)
assert abs(found - exact) < 0.1
"""


@pytest.mark.parametrize("host", ["pyro", "numpyro"])
def test_the_blocks_of_a_host_run_in_turn(host):
    if importlib.util.find_spec(host) is None:
        pytest.skip(f"{host} is not installed")
    blocks = [b for b in BLOCKS if ("numpyro" in b) == (host == "numpyro")]
    program = "\n".join([*blocks, CHECK_IN_NUMPYRO if host == "numpyro" else ""])
    assert "\nassert " in program
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [p for p in PATHS if "NAME" not in p and p[0] != "_"])
def test_a_file_that_it_names_exists(path):
    assert (ROOT / path).exists() or (ROOT / "pyro_igr" / path).exists()


def test_a_table_that_it_names_is_in_its_file():
    named = re.findall(r"`(\w+)` in `([\w./]+)`", re.sub(r"\s+", " ", PROSE))
    assert len(named) >= 4
    for name, path in named:
        text = (ROOT / path).read_text()
        assert re.search(rf"^(def )?{name}\b", text, re.MULTILINE), (name, path)


def test_its_command_is_that_of_the_readme():
    (command,) = re.findall(r"^    (python3 -m venv .*pytest.*)$", GUIDE, re.MULTILINE)
    assert command in (ROOT / "README.md").read_text()
