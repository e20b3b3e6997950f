"""The bound of the mixture VAE is what enumeration says, at any capacity."""

import importlib

import numpy as np
import pytest
from tiny_mixture import NUM_IMAGES, OPTIONS, bound, evidence

from examples.dp_mixture_vae import components as mixture_sticks

NUM_DRAWS, NUM_IMPORTANCE_SAMPLES = 400, 20_000


@pytest.fixture(params=["pyro", "numpyro"])
def host(request):
    pytest.importorskip(request.param)
    return importlib.import_module(f"tiny_mixture_{request.param}")


@pytest.fixture(params=["encoder", "weights"])
def options(request):
    return OPTIONS[request.param]


@pytest.fixture
def mixture(host, options, monkeypatch):
    """A few steps from a wide start, so that components differ and weights do not."""
    monkeypatch.setattr(mixture_sticks, "START_SCALE", 1.5)
    mixture = host.TinyMixture(options, NUM_IMPORTANCE_SAMPLES)
    for _ in range(5):
        mixture.step()
    return mixture


def test_bounds_agree_with_enumeration_and_growth_costs_the_sticks_alone(
    mixture, options
):
    before = mixture.parts()
    expected = bound(before, options)
    draws = mixture.draws(NUM_DRAWS)
    error = draws.std(ddof=1) / np.sqrt(NUM_DRAWS)
    assert error < 0.05
    assert abs(draws.mean() - expected) < 4.5 * error
    assert mixture.weighted_bound() == pytest.approx(
        evidence(before, options), abs=0.02
    )
    assert expected < evidence(before, options) - 0.05

    mixture.grow()
    after = mixture.parts()
    _, _, kl = mixture_sticks.nearest_gaussian(options.concentration)
    price = 2 * kl / (1 if options.has_own_weights else NUM_IMAGES)
    assert len(after.loc) == len(before.loc) + 2
    assert bound(after, options) == pytest.approx(expected - price, abs=2e-6)
    assert evidence(after, options) == pytest.approx(
        evidence(before, options), abs=2e-6
    )

    mixture.step()
    trained = mixture.parts()
    assert (trained.means[2:-1] != after.means[2:-1]).all()
    assert (abs(trained.means[:2] - after.means[:2]) < 0.5).all()
