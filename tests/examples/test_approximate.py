"""Laws on the integers are met by matching and approached by training."""

import importlib
import os
import re

import numpy as np
import pytest
from PIL import Image
from scipy.stats import entropy

from examples.approximate.results import (
    LARGEST_REST,
    Approximation,
    Method,
    methods_for,
)
from examples.approximate.runs import Options
from examples.approximate.targets import NUM_VALUES, TARGETS, widen

FAST = ["--num-steps=100", "--num-samples=5", "--learning-rates=0.3", "--num-runs=2"]


@pytest.fixture(params=["pyro", "numpyro"])
def example(request):
    pytest.importorskip(request.param)
    return importlib.import_module(f"examples.approximate.integers_{request.param}")


def test_the_last_category_stands_for_all_beyond():
    for target in TARGETS.values():
        probs = target.probs(8)
        np.testing.assert_allclose(probs.sum(), 1, atol=1e-12)
        np.testing.assert_allclose(probs[-1], target.distribution.sf(6), rtol=1e-12)


def test_total_variation_is_what_two_laws_do_not_share():
    target = TARGETS["geometric"]
    assert target.total_variation(target.distribution.pmf(np.arange(NUM_VALUES))) == 0
    at_zero = widen(np.array([1.0, 0.0]))
    np.testing.assert_allclose(target.total_variation(at_zero), 0.9, atol=1e-12)


@pytest.mark.parametrize("name", TARGETS)
def test_the_elbo_of_a_guide_is_minus_its_kl(name):
    target, values = TARGETS[name], np.arange(NUM_VALUES)
    other = np.where(values < 10, 0.1, 0.0)
    p = target.distribution.pmf(values)
    np.testing.assert_allclose(target.elbo(other), -entropy(other, p), rtol=1e-9)
    np.testing.assert_allclose(target.elbo(np.stack([p, p])), [0, 0], atol=1e-12)


def test_the_elbo_of_an_impossible_value_is_minus_infinity():
    assert TARGETS["binomial"].elbo(np.eye(NUM_VALUES)[13]) == -np.inf


def test_the_rest_is_broken_in_halves():
    probs = np.array([0.5, 0.2, 0.3])
    broken = widen(probs, breaks_last=True)
    np.testing.assert_allclose(broken[:5], [0.5, 0.2, 0.15, 0.075, 0.0375])
    np.testing.assert_allclose(broken.sum(), 1)
    np.testing.assert_array_equal(widen(probs)[:4], [0.5, 0.2, 0.3, 0.0])


def test_every_size_that_may_be_asked_for_is_of_all_integers_that_count():
    for size in 2, NUM_VALUES:
        for method in methods_for(TARGETS["poisson"], (size,)):
            probs = np.full(method.num_categories, 1 / method.num_categories)
            found = Approximation.of(TARGETS["poisson"], method, [[probs]])
            assert found.probs.shape == (1, NUM_VALUES)
            np.testing.assert_allclose(found.probs.sum(), 1, atol=1e-3)


def test_no_method_has_more_categories_than_the_target_has_values():
    methods = methods_for(TARGETS["discrete"], (20, 40, 100))
    assert {method.num_categories for method in methods} == {10}
    assert not any(method.grows for method in methods)


@pytest.mark.parametrize("name", TARGETS)
def test_the_law_of_the_host_is_the_target(example, name):
    values = np.arange(TARGETS[name].support or 100)
    log_prob = example.DISTRIBUTIONS[name].log_prob
    if example.HOST.name == "numpyro":
        log_prob = importlib.import_module("jax").jit(log_prob)
    found = log_prob(array(example, values))
    expected = TARGETS[name].distribution.logpmf(values)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_igr_sb_is_matched_to_all_that_there_is(example):
    target = TARGETS["poisson"]
    found = example.match(Method("igr-sb", 2, trained=False), target, Options())
    assert len(found) > 80
    assert target.total_variation(widen(found, breaks_last=True)) < 1e-4


def test_igr_is_matched_exactly(example):
    target = TARGETS["binomial"]
    found = example.match(Method("igr", 13, trained=False), target, Options())
    assert target.total_variation(widen(found)) < 1e-6


@pytest.mark.parametrize("name", ["poisson", "negative-binomial", "geometric"])
def test_igr_is_matched_to_all_integers_that_count(example, name):
    target, method = TARGETS[name], Method("igr", NUM_VALUES, trained=False)
    found = example.match(method, target, Options())
    assert target.total_variation(widen(found)) < 1e-6


def test_the_objective_is_not_biased_by_the_spread_of_the_samples(example):
    method = Method("gumbel-softmax", 3, trained=True)
    logits = array(example, np.zeros((4000, 3), np.float32))
    relaxed = example.make_distribution(method, 0.5, logits)
    goal = np.array([0.5, 0.3, 0.2], np.float32)
    estimates = np.asarray(objective(example, relaxed, goal, 1))
    error = estimates.std() / np.sqrt(len(estimates))
    exact = ((1 / 3 - goal) ** 2).sum()  # equal logits have equal means
    assert abs(estimates.mean() - exact) < 4 * error
    assert error < 0.01


def array(example, values):
    if example.HOST.name == "pyro":
        return importlib.import_module("torch").from_numpy(values)
    return importlib.import_module("jax").numpy.asarray(values)


def objective(example, relaxed, goal, num_samples):
    arguments = relaxed, array(example, goal), num_samples
    if example.HOST.name == "pyro":
        return example.objective(*arguments)
    return example.objective(*arguments, importlib.import_module("jax").random.key(0))


def test_gumbel_softmax_takes_as_many_logits_as_the_option_allows(example):
    method = Method("gumbel-softmax", NUM_VALUES, trained=True)
    logits = np.zeros(NUM_VALUES, np.float32)
    logits[:50] = 3  # the softmax sums to 1 within 3e-6 only
    relaxed = example.make_distribution(method, 0.1, array(example, logits))
    np.testing.assert_allclose(np.asarray(relaxed.probs).sum(), 1, atol=1e-5)


@pytest.mark.parametrize("family", ["igr", "igr-sb", "gumbel-softmax"])
def test_training_approaches_the_target(example, family):
    target, method = TARGETS["discrete"], Method(family, 10, trained=True)
    options = Options(num_steps=200, num_samples=20)
    first, *_, last = (
        target.total_variation(widen(probs))
        for probs in example.train(method, target, options, 0.1, 0)
    )
    assert last < 0.1 < first


def test_sticks_are_added_until_the_target_fits(example):
    target, method = TARGETS["binomial"], Method("igr-sb", 9, trained=True, grows=True)
    options = Options(num_steps=100, num_samples=20)
    first, second, *_, last = example.train(method, target, options, 0.1, 0)
    assert [len(probs) for probs in (first, second, last)] == [9, 17, 17]
    assert first[-1] > LARGEST_REST > last[-1]
    before, after = (widen(probs, breaks_last=True) for probs in (first, second))
    assert abs(before - after).sum() < 0.1  # a step away, not another law


def test_a_run_prints_its_distances_and_draws_figures(example, capsys, tmp_path):
    folder = tmp_path / "new"
    arguments = ["-t", "poisson", "-k", "41", f"--figures={folder}"]
    example.main([*FAST, *arguments])
    printed = capsys.readouterr().out
    assert "Poisson(50)" in printed
    assert "ELBO, nats" in printed
    for label in "IGR, matched", "IGR-SB, trained", "Gumbel-Softmax, trained":
        assert label in printed
    assert "±" in printed
    assert "nan" not in printed
    for name in "poisson", "categories", "training":
        with Image.open(folder / f"{name}.png") as image:
            assert image.format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--targets=zipf"], "invalid choice: 'zipf'"),
        (["--num-steps=199"], "expected --num-steps to be a positive multiple of 100"),
        (["-n", "0"], "expected --num-steps to be a positive multiple of 100, got 0"),
        (["-k", "20", "1"], "expected --num-categories to be from 2 to 1000, got 1"),
        (["-k", "1001"], "expected --num-categories to be from 2 to 1000, got 1001"),
        (["-lr", "0.1", "-1"], "expected --learning-rates to be positive and finite"),
    ],
)
def test_a_wrong_option_is_one_clear_error(example, capsys, arguments, message):
    with pytest.raises(SystemExit):
        example.main(arguments)
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_one_clear_error(
    example, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SystemExit):
        example.main([f"--figures={tmp_path}"])
    said = capsys.readouterr().err
    assert f"error: --figures: cannot write into {tmp_path}: Permission denied" in said


def test_a_folder_that_cannot_be_made_is_one_clear_error(example, capsys, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        example.main([f"--figures={tmp_path / 'file' / 'folder'}"])
    assert re.search("error: .*file", capsys.readouterr().err)
