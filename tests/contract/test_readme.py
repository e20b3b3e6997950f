"""The README's code runs, and its commands are those that are tested."""

import importlib.util
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from programs import parameters

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_code_block_runs(block):
    host = "numpyro" if "import numpyro" in block else "pyro"
    if importlib.util.find_spec(host) is None:
        pytest.skip(f"{host} is not installed")
    with parameters(host), redirect_stdout(StringIO()) as out:
        exec(compile(block, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102
    found = re.search(r"model: (\S+) nats a point, exactly (\S+)", out.getvalue())
    estimate, exact = map(float, found.groups())
    assert abs(estimate - exact) < 0.05
    assert -2 < exact < -1


def test_what_the_readme_writes_for_hard_gumbel_softmax_has_its_probabilities():
    torch, igr = map(pytest.importorskip, ("torch", "pyro_igr"))
    row = r"\| `F\.gumbel_softmax\(l, t, hard=True\)` \| `(.*)` \|"
    (code,) = re.findall(row, README)
    values = {"t": 1.0, "l": torch.zeros(5000, 10)}
    z = eval(code, vars(igr).copy(), values)  # noqa: S307
    assert ((z == 0) | (z == 1)).all()
    assert z.mean(0).numpy() == pytest.approx(0.1, abs=0.03)


def test_what_the_readme_writes_for_a_distribution_has_its_probabilities():
    torch, igr = map(pytest.importorskip, ("torch", "pyro_igr"))
    rows = re.findall(r"^\| `.*\)` \| `(\w+)(.*logits=l\).*?)`", README, re.MULTILINE)
    codes = [a + b for a, b in rows if hasattr(igr, a) and "rsample" not in b]
    assert len(codes) == 4
    logits = torch.tensor([[1.0, 2.0, 0.5], [8.0, 6.0, 7.0]])
    values = {"t": torch.tensor(0.7), "l": logits}
    for code in codes:
        found = eval(code, vars(igr).copy(), values).probs  # noqa: S307
        torch.testing.assert_close(found, logits.softmax(-1))


def test_continuous_integration_runs_the_readme_command():
    commands = re.findall(r"^    (python3 -m venv .*pytest.*)$", README, re.MULTILINE)
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text()
