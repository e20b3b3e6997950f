"""Second derivatives of discrete distributions, by central differences of the first."""

import numpy as np
import pytest

N = 4
_rng = np.random.default_rng(0)
POINT = np.concatenate([_rng.normal(size=N), np.exp(_rng.uniform(-1, 0.5, N))])
WEIGHTS = _rng.normal(size=N + 1)
LOG_ODDS = _rng.logistic(size=N)


def difference_quotients(backend, fn, x, step=1e-5):
    shifts = step * np.eye(len(x))
    right, left = (
        backend.gradients(fn, backend.array(x + sign * shifts)) for sign in (1, -1)
    )
    return (right - left) / (2 * step)


def assert_hessian(backend, fn, x, tolerance=1e-7):
    expected = difference_quotients(backend, fn, x)
    found = backend.hessian(fn, backend.array(x))
    np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("name", ["log_argmax_probs", "log_stick_probs"])
def test_hessians_of_log_probabilities(backend, name):
    log_probs = getattr(backend.igr.discrete, name)
    weights = backend.array(WEIGHTS)
    assert_hessian(backend, lambda v: (log_probs(v[:N], v[N:]) * weights).sum(), POINT)


@pytest.mark.parametrize(("remainder", "tolerance"), [(True, 1e-4), (False, 2e-2)])
def test_hessians_of_the_largest_weight(backend, remainder, tolerance):
    weights = backend.array(WEIGHTS)

    def objective(v):
        probs = backend.igr.discrete.largest_weight_probs
        return (probs(v[:N], v[N:], remainder=remainder) * weights).sum()

    assert_hessian(backend, objective, POINT, tolerance)


@pytest.mark.parametrize("category", [1, N])
@pytest.mark.parametrize("name", ["gaussians_given_argmax", "gaussians_given_stick"])
def test_hessians_of_samples_given_the_category(backend, name, category):
    sample = getattr(backend.igr.discrete, name)
    one_hot = backend.array(np.eye(N + 1)[category])
    log_odds, weights = backend.array(LOG_ODDS), backend.array(WEIGHTS[:N])

    def objective(v):
        return (sample(log_odds, one_hot, v[:N], v[N:]) * weights).sum()

    assert_hessian(backend, objective, POINT)


def test_hessians_of_the_probit(backend):
    probit = backend.igr._numerics.probit.probit_of_log_odds
    odds = np.array([-30.0, -3.0, 0.0, 0.1, 2.0, 40.0])
    assert_hessian(backend, lambda v: probit(v).sum(), odds)
