"""What posterior probabilities and importance weights say of a discrete code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import genpareto

from examples.discrete_vae.report import (
    ParetoK,
    dead_categories,
    most_informative,
    save_pictures,
    traverse,
)


def test_a_category_is_dead_below_a_hundredth_of_its_share():
    probs = np.array([[[0.5, 0.4977, 0.0023], [0.5, 0.25, 0.25]], [[1, 0, 0]] * 2])
    assert dead_categories(probs) == (1, 0)
    assert dead_categories(np.array([[[0.5, 0.49, 0.01], [0, 1, 0]]])) == (0, 2)


def test_variables_rank_by_their_mutual_information_with_the_image():
    same, certain = np.full((2, 2), 0.5), np.eye(2)
    constant, leaning = np.array([[1.0, 0.0]] * 2), np.array([[0.8, 0.2], [0.2, 0.8]])
    probs = np.stack([same, leaning, constant, certain], axis=1)
    assert most_informative(probs, 2).tolist() == [3, 1]


def test_a_traversal_varies_one_variable_of_the_most_probable_code():
    probs = np.random.default_rng(0).dirichlet(np.ones(3), (4, 2))
    codes = traverse(probs, 1)
    assert codes.shape == (4, 3, 2, 3)
    for k in range(3):
        np.testing.assert_array_equal(codes[:, k, 0].argmax(-1), probs[:, 0].argmax(-1))
        assert (codes[:, k, 1].argmax(-1) == k).all()
    assert (codes.sum(-1) == 1).all()


def test_pictures_are_of_the_truth_then_its_reconstruction_then_a_sample(tmp_path):
    rng, images = np.random.default_rng(0), np.zeros((2, 4))
    rows = dict.fromkeys(["reconstructions", "samples", "truth"], images)
    probs, found = (
        rng.dirichlet(np.ones(3), (2, 5)),
        ParetoK.of(rng.normal(size=(2, 50))),
    )

    def figure(name):
        return tmp_path / f"{name}.svg"

    def decode(codes):
        return np.zeros((*codes.shape[:2], 4))

    save_pictures(figure, (2, 2), rows, images, probs, decode, found)
    labels = re.findall("<!-- ([a-z]+) -->", figure("images").read_text())
    assert labels == ["truth", "reconstructions", "samples"]
    assert "<!-- category -->" in figure("probabilities").read_text()


def test_pareto_k_is_the_shape_of_the_tail():
    shapes, rng = np.array([0.2, 0.9]), np.random.default_rng(0)
    weights = [genpareto.rvs(k, size=20_000, random_state=rng) for k in shapes]
    found = ParetoK.of(np.log(weights))
    np.testing.assert_allclose(found.k, shapes, atol=0.1)
    assert found.good_k == 0.7


def test_weights_without_a_tail_have_an_infinite_shape():
    few, equal = np.arange(20.0), np.zeros(100)
    for log_weights in few, equal, np.append(np.zeros(99), 5.0):
        assert ParetoK.of(log_weights[None]).k == np.inf


@pytest.mark.parametrize("name", ["discrete_vae", "dp_mixture_vae"])
def test_arviz_is_imported_without_a_word(name, tmp_path):
    command = [sys.executable, "-c", f"import examples.{name}.report"]
    # ArviZ 0.23 keeps there that it has spoken today.
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONWARNINGS": "error"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=root, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
