"""A start, an order or values that do not fit the parameters are named."""

from importlib import import_module

import numpy as np
import pytest

N = 2
X = np.array([-2.0, -1.9, 0.1, 2.0, 2.1])
ORDER = "order to be a list of integers from 0 to 1"
VALUES = r"values of loc .* shape \(1,\), got \(2,\)"
DIM = "dim to be one of the 1 dimensions of a parameter"
NAMES = r"one of \['loc', 'means', 'scale'\]; got 'log'"


@pytest.fixture
def every_training(backend, host):
    """The same pair before the first step of each optimizer of the host."""

    def gaussians(loc, scale):
        return host.igr.InfiniteIGR(None, loc, scale, 1.0)

    def model():
        means = host.param("means", host.array(np.zeros(N)))
        law = gaussians(host.array(np.zeros(N)), host.array(np.ones(N)))
        mean = host.sample("weights", law)[..., :N] @ means
        with host.plate("data", len(X)):
            host.sample("x", host.dist.Normal(mean, 0.5), obs=host.array(X))

    def guide():
        loc = host.param("loc", host.array(np.zeros(N)))
        ones = host.array(np.ones(N))
        scale = host.param("scale", ones, constraint=host.positive)
        host.sample("weights", gaussians(loc, scale))

    training = import_module(backend.__name__.replace("_backend", "_training"))
    made = training.OPTIMIZERS.values()
    return (training.Training(model, guide, optimizer()) for optimizer in made)


def test_a_start_that_does_not_fit_is_named(host, every_training):
    for training in every_training:
        with pytest.raises(ValueError, match=r"start of loc .* got \(2, 1\)"):
            training.grow({"loc": host.array(np.zeros((2, 1)))})
        with pytest.raises(ValueError, match=NAMES):
            training.grow({"log": host.array(np.zeros(1))})
        with pytest.raises(ValueError, match=DIM):
            training.grow({"loc": host.array(np.zeros(2))}, 1)


def test_an_order_or_values_that_do_not_fit_are_named(host, every_training):
    for training in every_training:
        with pytest.raises(ValueError, match=ORDER):
            training.reorder([0, 2], {"loc": None})
        values = {"loc": host.array(np.zeros(2))}
        with pytest.raises(ValueError, match=VALUES):
            training.reorder([0], values)
        with pytest.raises(ValueError, match=NAMES):
            training.reorder([0], {"log": None})
        with pytest.raises(ValueError, match=DIM):
            training.reorder([0], {"loc": None}, -2)


def test_all_parameters_change_or_none(host, every_training):
    fits, does_not = host.array(np.zeros(1)), host.array(np.zeros((2, 1)))
    for training in every_training:
        with pytest.raises(ValueError, match="start of loc"):
            training.grow({"means": fits, "loc": does_not})
        with pytest.raises(ValueError, match="values of loc"):
            training.reorder([0], {"means": None, "loc": does_not})
        np.testing.assert_array_equal(training.parameters()["means"], np.zeros(N))
