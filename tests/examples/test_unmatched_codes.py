"""Codes through planar layers and by eq. 18: their priors, KLs and discrete models."""

import importlib
import re
from dataclasses import replace

import numpy as np
import pytest
from few_images import load_few
from scipy.stats import norm
from test_discrete_vae import (
    CODES,
    LOSS,
    OPTIONS,
    SMALL,
    WEIGHTS,
    check_pictures,
    log_likelihoods,
    pictured,
)
from test_discrete_vae import host as host

from examples.study.grid_options import GridOptions
from examples.study.recipes import Recipe

K = 4
PLANAR = replace(OPTIONS, family="igr-planar")
SLOPE = 2.0  # of planar layers that move points


def prior_of(host, options):
    codes = importlib.import_module(f"examples.discrete_vae.codes_{host}")
    if host == "numpyro":
        return codes.make_prior(options)
    return codes.make_prior(options, importlib.import_module("torch").device("cpu"))


def gaussians(loc, number=200_000):
    noise = np.random.default_rng(1).normal(size=(number, *np.shape(loc)))
    return np.asarray(loc, float) + noise


def frequencies(values):
    return (values.argmax(-1)[..., None] == np.arange(values.shape[-1])).mean(0)


def test_planar_layers_move_nothing_at_first_and_the_prior_is_uniform(host):
    prior = prior_of(host, PLANAR)
    loc = -norm.ppf(K ** (-1 / (K - 1)))
    np.testing.assert_allclose(prior.loc, np.full((3, K - 1), loc), rtol=1e-5)
    for layer in prior.flow:
        np.testing.assert_allclose(layer(prior.loc), prior.loc, atol=1e-6)
    assert len(prior.flow) == 2
    np.testing.assert_allclose(prior.probs, 1 / K, atol=0.02)


def test_the_sticks_of_the_paper_choose_all_but_the_last_alike(host):
    prior = prior_of(host, replace(OPTIONS, family="igr-sb-eq18"))
    y = gaussians(np.asarray(prior.loc)[0])
    broken = 1 / (1 + np.exp(-y))
    left = np.cumprod(1 - broken, -1)
    weights = broken * np.concatenate([np.ones_like(left[:, :1]), left[:, :-1]], -1)
    np.testing.assert_allclose(frequencies(weights), 1 / (K - 1), atol=5e-3)
    np.testing.assert_allclose(prior.probs[0], [*[1 / 3] * 3, 0], atol=1e-4)


def test_both_hosts_have_the_same_priors():
    for name in ("pyro", "numpyro"):
        pytest.importorskip(name)
    for family in ("igr-planar", "igr-sb-eq18"):
        options = replace(OPTIONS, family=family)
        pyro, numpyro = (prior_of(name, options) for name in ("pyro", "numpyro"))
        np.testing.assert_allclose(pyro.loc, numpyro.loc, atol=1e-4)
        flows = (getattr(prior, "flow", ()) for prior in (pyro, numpyro))
        for one, other in zip(*flows, strict=True):
            np.testing.assert_allclose(one.u, other.u, rtol=1e-6)
            np.testing.assert_allclose(one.w, other.w, rtol=1e-6)


# By STL it is estimated, at a temperature where entries of most codes underflow.
@pytest.mark.parametrize(
    ("family", "estimator", "num_samples", "accuracy"),
    [
        ("igr-eq14", "analytic-kl", 1, 1e-5),
        ("igr-planar", "analytic-kl", 1, 1e-5),
        ("igr-planar", "stl", 64, 0.01),
        ("igr-sb-eq18", "analytic-kl", 1, 1e-5),
        ("igr-sb-eq18", "stl", 64, 0.01),
    ],
)
def test_the_kl_that_is_trained_by_is_that_of_the_gaussians(
    host, family, estimator, num_samples, accuracy
):
    images = (np.random.default_rng(0).random((7, 64)) > 0.5).astype(np.float32)
    of = {"estimator": estimator, "num_samples": num_samples, "temperature": 0.02}
    options = replace(OPTIONS, family=family, **of)
    loss, parameters, _ = LOSS[host](options, images, CODES.reshape(64, 12))
    parameters = np.asarray(parameters, float).reshape(7, 3, 2, K - 1)
    loc, log_scale = parameters[:, :, 0], parameters[:, :, 1]
    prior = prior_of(host, options)
    wide = np.log(np.asarray(prior.scale, float))
    distance = (loc - np.asarray(prior.loc)) / np.exp(wide)
    log_ratio = log_scale - wide
    kl = (distance**2 + np.exp(2 * log_ratio) - 1) / 2 - log_ratio
    expected = 64 * np.log(2) + kl.sum((-1, -2)).mean()
    assert loss == pytest.approx(expected, rel=accuracy)


def test_planar_codes_are_scored_by_the_model_of_the_flow_as_it_is(host, monkeypatch):
    unmatched = f"examples.discrete_vae.unmatched_{host}"
    monkeypatch.setattr(f"{unmatched}.STILL", SLOPE)
    images = (np.random.default_rng(0).random((5, 64)) > 0.5).astype(np.float32)
    options = replace(PLANAR, num_importance_samples=20_000)
    weights, logits = WEIGHTS[host](options, images, CODES.reshape(64, 12))
    probs = frequencies(moved(prior_of(host, options)))
    assert abs(probs - 1 / K).max() > 0.1
    log_prior = (CODES * np.log(probs)).sum((-1, -2))
    exact = np.logaddexp.reduce(log_likelihoods(images, logits) + log_prior, axis=-1)
    bounds = np.logaddexp.reduce(weights, axis=-1) - np.log(20_000)
    np.testing.assert_allclose(bounds, exact, atol=0.1)


def moved(prior):
    """Gaussians that both layers have moved, and 0 for the last category."""
    y = gaussians(prior.loc, 50_000)
    for layer in prior.flow:
        w, square = np.asarray(layer.w), (np.asarray(layer.w) ** 2).sum(-1)
        size = (np.log1p(np.exp(SLOPE)) - 1) / square
        y = y + (size * np.tanh((y * w).sum(-1)))[..., None] * w
    return np.pad(y, ((0, 0), (0, 0), (0, 1)))


@pytest.mark.parametrize(
    ("family", "estimator"), [("igr-planar", "analytic-kl"), ("igr-sb-eq18", "stl")]
)
def test_a_run_prints_finite_scores_and_has_pictures(
    host, family, estimator, capsys, monkeypatch, tmp_path
):
    vae = importlib.import_module(f"examples.discrete_vae.vae_{host}")
    load_few(vae, monkeypatch, train=400, held_out=15)
    of = f"--family={family}", f"--estimator={estimator}", f"--figures={tmp_path}"
    with pictured(host) as drawn:
        vae.main([*SMALL, *of, "--num-epochs=1"])
    printed = capsys.readouterr().out
    assert f"{family} at temperature 0.25, {estimator}, digits: 1 epochs" in printed
    scores = [float(x) for x in re.findall(r"-\d+\.\d\d\b", printed)]
    assert len(scores) >= 5
    assert min(scores) > -60
    assert "nan" not in printed
    check_pictures(drawn, K)


def test_what_planar_layers_learn_in_pyro_is_in_a_checkpoint(tmp_path, monkeypatch):
    pyro = pytest.importorskip("pyro")
    from examples.discrete_vae import vae_pyro as example

    def trained(*_):
        store = pyro.get_param_store()
        return {name: x.detach().numpy().copy() for name, x in store.items()}

    monkeypatch.setattr(example, "score", trained)
    options = replace(PLANAR, num_epochs=2)
    expected = example.train(options)
    half = replace(options, checkpoint=tmp_path / "half")
    first = example.train(replace(half, num_epochs=1))
    found = example.train(replace(half, resume=True))
    assert found.keys() == expected.keys() > {"flow_0_u", "flow_1_bias"}
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
        assert (first[name] != value).any()


def test_guides_that_cannot_be_fitted_again_are_refused():
    with pytest.raises(ValueError, match=r"no --refit of igr-planar: .* no gradient"):
        GridOptions(recipe=(Recipe("igr-planar", "stl"),), refit=1)
