"""The notebooks run, find what is known, and hold what their cells print and draw."""

import importlib.util
import json
import re
from copy import deepcopy

import numpy as np
import pytest
from notebooks import NOTEBOOKS, code_cells, execute, pictures, printed
from programs import parameters


def read(host):
    return json.loads(NOTEBOOKS[host].read_text())


@pytest.fixture(scope="module", params=NOTEBOOKS)
def run(request):
    """What is stored, what comes out now, and the namespace at the end."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    stored = read(request.param)
    fresh = deepcopy(stored)
    with parameters(request.param):
        namespace = execute(fresh)
    return stored, fresh, namespace


def test_what_is_stored_comes_of_the_present_cells(run):
    stored, fresh, _ = run
    assert [cell["execution_count"] for cell in code_cells(stored)] == [
        *range(1, len(code_cells(stored)) + 1)
    ]
    for kept, made in zip(code_cells(stored), code_cells(fresh), strict=True):
        assert _words(printed(kept)) == _words(printed(made))
        assert len(pictures(kept)) == len(pictures(made))


def _words(text):
    return re.findall(r"[^\W\d]+", text)


def test_the_mixture_has_the_exact_log_likelihood_and_posterior(run):
    *_, found = run
    exact = float(found["exact"].sum())
    assert exact - 4 < float(found["elbo"]) < exact
    assert np.abs(np.asarray(found["found"] - found["posterior"])).mean() < 0.04


def test_the_estimated_log_likelihood_is_exact_within_its_errors(run):
    *_, found = run
    exact = float(found["exact"].mean())
    for name, few in {"trained": 90, "untrained": 5}.items():
        result = found[name]
        error = 4 * float(result.mean_standard_error)
        assert float(result.mean) == pytest.approx(exact, abs=error)
        assert float(result.effective_sample_sizes.min()) > few


@pytest.mark.parametrize("host", NOTEBOOKS)
def test_a_notebook_is_small_and_knows_no_machine(host):
    assert NOTEBOOKS[host].stat().st_size < 400_000
    assert read(host)["metadata"] == {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }


def test_the_notebooks_say_the_same():
    texts = []
    for host, name in {"pyro": "Pyro", "numpyro": "NumPyro"}.items():
        cells = [c for c in read(host)["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
        texts.append(text.replace(f"{host}_igr", "igr").replace(name, "Host"))
    assert texts[0] == texts[1]
