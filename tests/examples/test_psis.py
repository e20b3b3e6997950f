"""ArviZ gets the right draws and weights of the discrete guide, from both hosts."""

import importlib

import numpy as np
import pytest
from PIL import Image
from scipy.stats import genpareto

from examples.discrete_vae import psis
from examples.discrete_vae.options import Options

OPTIONS = Options(num_epochs=1, num_variables=3, num_categories=4, batch_size=200)


@pytest.fixture(params=["pyro", "numpyro"])
def example(request):
    pytest.importorskip(request.param)
    return importlib.import_module(f"examples.discrete_vae.psis_{request.param}")


def test_the_draws_of_the_guide_carry_their_exact_weights(example):
    draws = example.draw(example.learn(OPTIONS), 2000)
    assert draws.codes.shape == (50, 2000, 3)
    one_hot = np.eye(4)[draws.codes]
    np.testing.assert_allclose(one_hot.mean(1), draws.probs, atol=0.06)
    log_q = (one_hot * np.log(draws.probs[:, None])).sum((-1, -2))
    difference = draws.log_weights - draws.log_likelihood
    np.testing.assert_allclose(difference, -3 * np.log(4) - log_q, atol=1e-4)
    data = psis.to_inference_data(draws)
    code = data.posterior["code"].sel(chain=0, draw=7, image=2)
    np.testing.assert_array_equal(code, draws.codes[2, 7])


def test_pareto_k_is_the_shape_of_the_tail():
    shapes, rng = np.array([0.2, 0.9]), np.random.default_rng(0)
    weights = [genpareto.rvs(k, size=20_000, random_state=rng) for k in shapes]
    codes, probs = np.zeros((2, 20_000, 1), int), np.ones((2, 1, 1))
    draws = psis.Draws(codes, np.log(weights), np.log(weights), probs)
    found = psis.pareto_k(psis.to_inference_data(draws))
    np.testing.assert_allclose(found["pareto_k"], shapes, atol=0.1)
    assert found["good_k"] == 0.7


def test_a_run_prints_and_draws_its_diagnosis(example, tmp_path, capsys):
    small = ["--num-variables=3", "--num-categories=4", "--num-importance-samples=100"]
    example.main([*small, "--num-epochs=1", f"--figures={tmp_path / 'new'}"])
    assert "50 test images, 100 codes each\nPareto k: median" in capsys.readouterr().out
    for name in "pareto_k", "recovered_probs":
        with Image.open(tmp_path / "new" / f"{name}.png") as image:
            assert image.format == "PNG"
