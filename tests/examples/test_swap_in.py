"""The examples of relaxed models agree with what is exact, in both hosts."""

import ast
import importlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from examples.swap_in.exact import make_chain, make_mixture, total_variation


@pytest.fixture(params=["pyro", "numpyro"])
def example(request):
    pytest.importorskip(request.param)
    return importlib.import_module(f"examples.swap_in.models_{request.param}")


def test_the_recursions_of_the_chain_agree_with_enumeration():
    problem = make_chain(num_states=3, num_steps=4)
    log_likelihoods = -((problem.x[:, None] - problem.means) ** 2) / 2
    paths = np.array(list(product(range(3), repeat=4)))
    log_joint = np.log(problem.start[paths[:, 0]])
    log_joint += np.log(problem.transitions[paths[:, :-1], paths[:, 1:]]).sum(-1)
    log_joint += log_likelihoods[np.arange(4), paths].sum(-1) - 2 * np.log(2 * np.pi)
    log_evidence = np.logaddexp.reduce(log_joint)
    assert problem.log_evidence == pytest.approx(log_evidence, abs=1e-10)
    probs = np.exp(log_joint - log_evidence)
    posterior = np.einsum("p,ptk->tk", probs, np.eye(3)[paths])
    np.testing.assert_allclose(problem.posterior, posterior, atol=1e-10)


@pytest.mark.parametrize("family", ["IGR-SB (sticks)", "Gumbel-Softmax"])
def test_the_discretized_mixture_is_near_the_exact_one(example, family):
    problem = make_mixture(num_points=5)
    answer = example.fit(
        example.mixture,
        problem,
        example.FAMILIES[family],
        0.1,
        num_steps=200,
        num_particles=10,
    )
    assert total_variation(answer.probs, problem.posterior) < 0.1
    assert problem.log_evidence - 0.3 < answer.elbo < problem.log_evidence + 0.1
    assert answer.importance_bound == pytest.approx(problem.log_evidence, abs=0.1)


def test_the_example_prints_both_tables(example, capsys):
    example.main(["--num-steps=1", "--num-points=2"])
    printed = capsys.readouterr().out
    for title in "Gaussian mixture", "Hidden Markov model":
        assert f"{title}: log evidence" in printed
    assert printed.count("Gumbel-Softmax") == 2
    assert "nan" not in printed


@pytest.mark.parametrize("flag", ["--num-steps", "--num-points"])
def test_a_wrong_option_is_one_clear_error(example, flag, capsys):
    with pytest.raises(SystemExit):
        example.main([f"{flag}=0"])
    assert f"expected {flag} to be at least 1, got 0" in capsys.readouterr().err


def test_the_twins_define_the_same_names_in_the_same_order():
    folder = Path(__file__).parents[2] / "examples" / "swap_in"
    pyro, numpyro = (
        [
            statement.name
            for statement in ast.parse((folder / f"{name}.py").read_text()).body
            if isinstance(statement, ast.FunctionDef)
        ]
        for name in ("models_pyro", "models_numpyro")
    )
    pyro.remove("to_tensors")
    assert pyro == numpyro
