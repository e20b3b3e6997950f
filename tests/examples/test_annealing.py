"""Annealing the temperature and the KL: it trains, and nothing is compiled again."""

import importlib
import re

import numpy as np
import pytest


@pytest.mark.parametrize("host", ["pyro", "numpyro"])
def test_the_example_finds_the_groups_and_numpyro_traces_no_step_after_the_second(
    host, capsys, monkeypatch
):
    pytest.importorskip(host)
    example = importlib.import_module(f"examples.annealing_{host}")
    runs, runs_before, model, geomspace = [], [], example.model, np.geomspace

    def counted(*args):
        runs.append(args)
        return model(*args)

    def noted(*args):
        for temperature in geomspace(*args):
            runs_before.append(len(runs))
            yield temperature

    monkeypatch.setattr(example, "model", counted)
    monkeypatch.setattr(np, "geomspace", noted)
    example.main(["-n", "400"])
    elbo = float(re.search(r"model: (\S+) nats", capsys.readouterr().out)[1])
    assert -2.6 < elbo < -1.5
    assert len(runs_before) == 400
    if host == "numpyro":
        assert runs_before[0] < runs_before[2] == runs_before[-1]


def losses_in_pyro(engine, weights):
    pyro, infer = pytest.importorskip("pyro"), pytest.importorskip("pyro.infer")
    example = importlib.import_module("examples.annealing_pyro")
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    x = example.make_points()
    for weight in weights:
        pyro.set_rng_seed(1)
        elbo = getattr(infer, engine)()
        yield elbo.loss(example.model, example.guide, x, 0.5, weight)


def losses_in_numpyro(engine, weights):
    infer = pytest.importorskip("numpyro.infer")
    jax = pytest.importorskip("jax")
    example = importlib.import_module("examples.annealing_numpyro")
    x, key = example.make_points(jax.random.key(0)), jax.random.key(1)
    pair, elbo = (example.model, example.guide), getattr(infer, engine)()
    return map(jax.jit(lambda by: elbo.loss(key, {}, *pair, x, 0.5, by)), weights)


@pytest.mark.parametrize("engine", ["TraceMeanField_ELBO", "Trace_ELBO"])
@pytest.mark.parametrize("losses", [losses_in_pyro, losses_in_numpyro])
def test_the_weight_scales_the_kl_and_nothing_else(losses, engine):
    low, half, full = map(float, losses(engine, (1e-6, 0.5, 1.0)))
    assert abs(full - low) > 0.2
    assert half == pytest.approx((low + full) / 2, abs=0.01)
