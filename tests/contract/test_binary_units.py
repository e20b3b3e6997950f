"""With K = 2 every tempering of a broken stick is a function of one Gaussian."""

import numpy as np
import pytest
from cases import TEMPERINGS
from scipy.special import expit

Y = np.array([-3.0, -0.4, 0.3, 2.0])
TEMPERATURES = (0.1, 0.5, 1.0)


def on(backend, tempering, temperature, y):
    """The value of "on", the first of the two categories."""
    transform = backend.igr.StickBreakingTransform(temperature, tempering)
    return transform(y[..., None])[..., 0]


FORMULAS = {
    "sticks": lambda y, tau: expit(y / tau),
    "weights": lambda y, tau: expit(y / tau),
    "softmax++": lambda y, tau: expit(expit(y) / tau),
    "vertex": lambda y, tau: tau * expit(y) + (1 - tau) * (y > 0),
}


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("tempering", TEMPERINGS)
def test_each_tempering_is_its_formula(backend, tempering, temperature):
    found = backend.numpy(on(backend, tempering, temperature, backend.array(Y)))
    np.testing.assert_allclose(found, FORMULAS[tempering](Y, temperature), atol=1e-12)


@pytest.mark.parametrize("tempering", ["sticks", "weights"])
def test_sticks_and_weights_are_softmax_plus_plus(backend, tempering):
    y = backend.array(Y)
    expected = backend.igr.SoftmaxPlusPlusTransform(0.3)(y[..., None])[..., 0]
    found = on(backend, tempering, 0.3, y)
    np.testing.assert_allclose(*map(backend.numpy, (found, expected)), rtol=1e-12)


def test_no_unit_of_eq_18_is_ever_off(backend):
    y = backend.array(np.linspace(-20, 20, 101))
    found = backend.numpy(on(backend, "softmax++", 0.5, y))
    assert ((found > 0.5) & (found < expit(2.0))).all()


def test_the_slope_of_eq_17_misses_its_jump(backend):
    y, tau = backend.array(Y), 0.25
    (slope,) = backend.grad(lambda y: on(backend, "vertex", tau, y), y)
    expected = tau * expit(Y) * expit(-Y)
    np.testing.assert_allclose(backend.numpy(slope), expected, rtol=1e-10)
    ends = on(backend, "vertex", tau, backend.array(np.array([-30.0, 30.0])))
    assert np.ptp(backend.numpy(ends)) == pytest.approx(1)
    assert np.trapezoid(tau * expit(Y) * expit(-Y), Y) < tau
