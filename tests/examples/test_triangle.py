"""The relaxations on the triangle stand for what is asked, and are drawn small."""

import importlib

import numpy as np
import pytest

from examples.images.triangle import TriangleOptions


@pytest.fixture(params=["pyro", "numpyro"])
def example(request):
    pytest.importorskip(request.param)
    return importlib.import_module(f"examples.triangle_{request.param}")


def test_all_families_stand_for_the_same_and_are_drawn(example, capsys, tmp_path):
    weights = ["--weights", "6", "3", "1", "--num-samples=50"]
    example.main([*weights, f"--figures={tmp_path}", "--figure-format=svg"])
    printed = capsys.readouterr().out
    assert printed.count(" stands for 0.600 0.300 0.100\n") == 3
    assert f"its samples are in {tmp_path / 'triangle.svg'}\n" in printed
    assert "<svg" in (tmp_path / "triangle.svg").read_text()


def test_a_colder_sample_is_nearer_to_a_corner(example):
    options = TriangleOptions(num_samples=500)
    for hot, *_, cold in example.draw(options).values():
        assert hot.shape == cold.shape == (500, 3)
        np.testing.assert_allclose(cold.sum(-1), 1, atol=1e-5)
        assert hot.max(-1).mean() < cold.max(-1).mean() - 0.2
        shares = np.bincount(cold.argmax(-1), minlength=3) / 500
        np.testing.assert_allclose(shares, options.probs, atol=0.1)


def test_no_figures_are_drawn_if_none_are_wanted(example, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    example.main(["--no-figures"])
    assert not [*tmp_path.iterdir()]
