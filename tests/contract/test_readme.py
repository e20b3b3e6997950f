"""The README's code runs, and its commands are those that are tested."""

import importlib.util
import re
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

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


def dense(jnp, size):
    """A layer as flax, which is not among what the tests install, would have it."""

    def init(rngs, x):
        return {"params": {"kernel": jnp.zeros((x.shape[-1], size))}}

    def apply(variables, x):
        return x @ variables["params"]["kernel"]

    return SimpleNamespace(init=init, apply=apply)


def test_an_encoder_of_flax_as_the_readme_writes_it_has_the_means(monkeypatch):
    jnp, _ = map(pytest.importorskip, ("jax.numpy", "numpyro"))
    from numpyro import handlers
    from numpyro.contrib.module import flax_module

    import numpyro_igr

    unfreeze = SimpleNamespace(core=SimpleNamespace(unfreeze=dict))
    monkeypatch.setitem(sys.modules, "flax", unfreeze)
    (line,) = re.findall(r"encoder = (flax_module\(.*\))$", README, re.MULTILINE)
    (law,) = re.findall(r"^\+ numpyro\.sample\(\"z\", (.*)\)$", README, re.MULTILINE)
    nn = SimpleNamespace(Dense=lambda size: dense(jnp, size))
    names = {"K": 4, "t": 0.5, "x": jnp.ones((5, 7)), "nn": nn}
    names |= {"flax_module": flax_module, **vars(numpyro_igr)}
    with handlers.trace() as sites, handlers.seed(rng_seed=0):
        names["encoder"] = eval(line, names)  # noqa: S307
        probs = eval(law, names).probs  # noqa: S307
    assert sites["encoder$params"]["value"]["kernel"].shape == (7, 3)
    assert probs.shape == (5, 4)


def test_continuous_integration_runs_the_readme_command():
    commands = re.findall(r"^    (python3 -m venv .*pytest.*)$", README, re.MULTILINE)
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text()
