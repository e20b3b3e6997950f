"""The notebooks run, find what is known, and hold what their cells print and draw."""

import importlib.util
import json
import re
from copy import deepcopy

import numpy as np
import pytest
from notebooks import NOTEBOOKS, code_cells, execute, pictures, printed
from programs import parameters
from scipy.stats import multivariate_normal


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


def test_the_inclusions_are_those_of_a_long_gibbs_run(run):
    *_, found = run
    error = np.abs(found["included"] - found["reference"])
    assert error.mean() < 0.03
    assert error.max() < 0.4
    assert found["included"][64:].max() < 0.15
    surely = found["reference"] > 0.95
    assert surely.sum() >= 3
    assert found["included"][surely].min() > 0.9


def test_the_gibbs_run_has_the_odds_of_the_model(run):
    *_, found = run
    states = np.arange(128) < 3, np.arange(128) % 40 == 0
    slab, noise, share = found["SLAB"], found["NOISE"], found["SHARE"]

    def log_joint(state):
        chosen = slab * found["columns"][:, state]
        covariance = chosen @ chosen.T + noise**2 * np.eye(len(chosen))
        log_odds = state.sum() * np.log(share / (1 - share))
        return log_odds + multivariate_normal.logpdf(found["outcome"], cov=covariance)

    first, second = (log_joint(s) - found["log_joint"](s) for s in states)
    assert first == pytest.approx(second, abs=1e-8)


def test_the_planted_groups_are_found_and_no_more(run):
    *_, found = run
    weights, means = found["weights"], found["means"][found["order"]]
    gaps = np.linalg.norm(means[:4, None] - found["planted"], axis=-1)
    assert sorted(gaps.argmin(-1)) == [0, 1, 2, 3]
    assert gaps.min(-1).max() < 0.3
    np.testing.assert_allclose(weights[:4], found["shares"][gaps.argmin(-1)], atol=0.04)
    assert weights[:4].sum() > 0.95


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
