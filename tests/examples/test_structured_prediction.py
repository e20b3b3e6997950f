"""Structured prediction in both hosts: exact bounds, reports and resumption."""

import ast
import importlib
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from few_images import load_few
from PIL import Image
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from examples.structured_prediction.prediction import (
    PLANAR_LAYERS,
    PredictionOptions,
    bounds,
    format_prediction,
)

OPTIONS = PredictionOptions(
    dataset="digits",
    num_epochs=1,
    batch_size=400,
    num_units=3,
    num_importance_samples=20,
)
IMAGES = (np.random.default_rng(0).random((4, 64)) > 0.5).astype(np.float32)


@pytest.fixture(params=["pyro", "numpyro"])
def host(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture
def example(host, monkeypatch):
    """The program of a host, which loads few images and draws fewer."""
    module = importlib.import_module(f"examples.structured_prediction.halves_{host}")
    load_few(module, monkeypatch)
    scores = importlib.import_module(f"examples.structured_prediction.scores_{host}")
    monkeypatch.setattr(scores, "NUM_COLUMNS", 2)
    return module


def planar(y):
    """The two planar layers at first, of one Gaussian."""
    for u, w, bias in PLANAR_LAYERS:
        y = y + (np.logaddexp(0, w * u) - 1) / w * np.tanh(w * y + bias)
    return y


THRESHOLD = brentq(planar, -5, 5)
PROBABILITIES = {
    "igr": norm.cdf,
    "igr-sb": norm.cdf,
    "igr-planar": lambda activations: norm.cdf(activations - THRESHOLD),
    "gumbel-softmax": expit,
}


@pytest.mark.parametrize("family", PROBABILITIES)
def test_the_bounds_tend_to_the_enumerated_log_likelihood(host, family):
    options = replace(OPTIONS, family=family)
    samples, weights = SAMPLES[host](options, 20_000)
    exact = log_likelihoods(weights, PROBABILITIES[family])
    assert samples.std(0).min() > 0.3
    found = bounds(samples, 20_000)
    errors = np.exp(samples - found).std(0) / np.sqrt(20_000)
    assert (abs(found - exact) < 4.5 * errors).all()
    assert errors.max() < 0.05
    assert (bounds(samples, 1) < exact - 0.05).all()


def log_likelihoods(weights, probability):
    """Exact log p(lower | upper), from the units of both layers enumerated."""
    units = np.array(list(product([0.0, 1.0], repeat=3)))
    first, second, last = weights
    p_first = on_probs(probability(network(IMAGES[:, :32], *first)), units)
    p_second = on_probs(probability(network(units, *second)), units)
    logits = network(units, *last)
    signs = np.where(IMAGES[:, None, 32:], -1, 1)
    log_lower = -np.logaddexp(0, signs * logits).sum(-1)
    return np.log((p_first @ p_second * np.exp(log_lower)).sum(-1))


def network(x, *layers):
    for number, (w, b) in enumerate(layers):
        x = (np.tanh(x) if number else x) @ w + b
    return x


def on_probs(probs, units):
    """Probabilities of all configurations, one row for each row of probabilities."""
    return np.where(units, probs[:, None], 1 - probs[:, None]).prod(-1)


def pyro_samples(options, number):
    """Scores at samples of binary units, and the weights, made larger, by layer."""
    import pyro
    import torch

    from examples.structured_prediction import halves_pyro as example
    from examples.structured_prediction.scores_pyro import log_likelihoods

    pyro.set_rng_seed(0)
    network = example.Network(64, options.num_units)
    for name, parameter in network.named_parameters():
        parameter.data *= 1 if "planar" in name else 3
    unit = example.make_unit(options, torch.device("cpu"))
    of = network.model, unit, torch.from_numpy(IMAGES), number
    networks = [getattr(network, name) for name in example.LAYERS] + [[network.last]]
    weights = [
        [
            [x.detach().numpy() for x in (module.weight.T, module.bias)]
            for module in modules
            if isinstance(module, torch.nn.Linear)
        ]
        for modules in networks
    ]
    return log_likelihoods(*of).numpy(), weights


def numpyro_samples(options, number):
    import jax

    from examples.structured_prediction import halves_numpyro as example
    from examples.structured_prediction.scores_numpyro import log_likelihoods

    key = jax.random.PRNGKey(0)
    svi, _ = example.make_objectives(64, options.num_units, 1e-3, 1)
    unit = example.make_unit(options)
    params = svi.get_params(svi.init(key, IMAGES, unit))
    grown = {k: jax.tree.map(lambda w: 2 * w, v) for k, v in params.items()}
    params = grown | {k: v for k, v in params.items() if "planar" in k}
    scores = log_likelihoods(svi.model, unit, IMAGES, params, key, number)
    layers = [params[f"{name}$params"] for name in example.LAYERS]
    weights = [[layer for layer in layers if layer] for layers in layers]
    return np.asarray(scores), [*weights, [params["last$params"]]]


SAMPLES = {"pyro": pyro_samples, "numpyro": numpyro_samples}


def test_more_samples_never_loosen_the_bound():
    scores = np.random.default_rng(0).normal(size=(8, 5), scale=3)
    found = [bounds(scores, m) for m in (1, 2, 4, 8)]
    assert (np.diff(found, axis=0) > 0).all()
    np.testing.assert_allclose(found[0], scores.mean(0))


def test_a_run_prints_and_draws_what_it_found(example, capsys, tmp_path):
    small = [
        "--dataset=digits",
        "--num-units=3",
        "-n=1",
        "-lr=0.01",
        "-b=400",
        "--num-importance-samples=20",
    ]
    example.main([*small, f"--figures={tmp_path / 'new'}"])
    printed = capsys.readouterr().out
    assert "igr at temperature 0.5, digits: 1 epochs" in printed
    assert "one sample of relaxed units, as trained: -" in printed
    assert "\n2 samples of binary units: -" in printed
    assert "\n20 samples of binary units: -" in printed
    with Image.open(tmp_path / "new" / "completions.png") as image:
        assert image.format == "PNG"


def test_training_improves_the_scores_and_resumes_exactly(example, tmp_path):
    options = replace(OPTIONS, num_epochs=4, learning_rate=0.01)
    first = example.train(replace(options, num_epochs=2, checkpoint=tmp_path / "run"))
    whole = example.train(options)
    resumed = example.train(replace(options, checkpoint=tmp_path / "run", resume=True))
    assert resumed[:3] == whole[:3]
    assert whole.objective > first.objective + 0.5
    assert whole.test[20].mean > first.test[20].mean + 0.5
    assert "nan" not in format_prediction(options, whole)


def test_a_wrong_option_is_one_clear_error(example, capsys):
    with pytest.raises(SystemExit):
        example.main(["--num-units=0"])
    message = "expected --num-units to be at least 1, got 0"
    assert message in capsys.readouterr().err


def test_the_twins_define_the_same_names_in_the_same_order():
    folder = Path(__file__).parents[2] / "examples"
    for pair in (
        "structured_prediction/halves",
        "structured_prediction/scores",
        "structured_prediction/units",
    ):
        pyro, numpyro = (
            [
                statement.name
                for statement in ast.parse(
                    (folder / f"{pair}_{host}.py").read_text()
                ).body
                if isinstance(statement, ast.ClassDef | ast.FunctionDef)
            ]
            for host in ("pyro", "numpyro")
        )
        assert pyro == numpyro
