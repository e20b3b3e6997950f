"""Second derivatives of discrete distributions, by central differences of the first."""

import numpy as np
import pytest

N = 4
_rng = np.random.default_rng(0)
POINT = np.concatenate([_rng.normal(size=N), np.exp(_rng.uniform(-1, 0.5, N))])
WEIGHTS = _rng.normal(size=N + 1)
LOG_ODDS = _rng.logistic(size=N)
WEIGHTS_OF_SAMPLES = _rng.normal(size=(2, N))


def assert_hessian(backend, fn, x, tolerance=1e-7, step=1e-5):
    shifts = step * np.eye(len(x))
    points = np.concatenate([x + shifts, x - shifts])
    found, gradients = backend.second_derivatives(fn, x, points)
    right, left = np.split(gradients, 2)
    expected = (right - left) / (2 * step)
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


@pytest.mark.parametrize("name", ["gaussians_given_argmax", "gaussians_given_stick"])
def test_hessians_of_samples_given_the_category(backend, name):
    sample = getattr(backend.igr.discrete, name)
    one_hots = backend.array(np.eye(N + 1)[[1, N]])
    log_odds, weights = backend.array(LOG_ODDS), backend.array(WEIGHTS_OF_SAMPLES)

    def objective(v):
        return (sample(log_odds, one_hots, v[:N], v[N:]) * weights).sum()

    assert_hessian(backend, objective, POINT)


def _by_moments(backend, probs, scale):
    return backend.igr.match_moments(probs, 0.5, scale, num_samples=200)[0]


MATCHES = {
    "match_probs": lambda backend, *args: backend.igr.match_probs(*args),
    "match_moments": _by_moments,
    "sticks": lambda backend, probs, scale: (
        backend.igr.IGRStickBreaking.from_probs(0.5, probs, scale=scale).loc
    ),
}


@pytest.mark.parametrize("match", MATCHES.values(), ids=MATCHES)
def test_hessians_of_matched_means(backend, match):
    weights = backend.array([1.0, -2.0])

    def objective(v):
        return (match(backend, v[:3], v[3:]) ** 2 * weights).sum()

    probs_and_scale = np.array([0.2, 0.5, 0.3, 0.7, 1.4])
    assert_hessian(backend, objective, probs_and_scale, 1e-6, step=1e-4)


SINGLE = {
    "near": np.sin(np.arange(6)),
    "far apart": np.array([0.5, -900.0, 0.0]),
}


@pytest.mark.parametrize("logits", SINGLE.values(), ids=SINGLE)
def test_the_hessian_of_a_single_stick(backend, logits):
    def objective(v):  # of which other sticks have a gradient of 0
        return backend.igr.IGRStickBreaking.from_probs(0.5, logits=v).loc[0]

    assert_hessian(backend, objective, logits, 1e-6)


def test_the_hessian_of_a_square_at_its_zero(backend):
    weights = np.exp(np.sin(np.arange(34)))
    z = weights / weights.sum()
    to_sticks = backend.igr.StickBreakingTransform(1.0).inv
    y = to_sticks(backend.array(z))

    def objective(z):
        return ((to_sticks(z) - y) ** 2).sum()

    after = z[::-1].cumsum()[::-1][1:, None]
    slopes = np.eye(33, 34) / z - np.triu(np.ones((33, 34)), 1) / after
    hessian, _ = backend.second_derivatives(objective, z, [z])
    np.testing.assert_allclose(hessian, 2 * slopes.T @ slopes, rtol=1e-8, atol=1e-8)


def test_hessians_of_the_inverse_of_a_planar_flow(backend):
    u, w, y = np.random.default_rng(1).normal(size=(3, N))

    def objective(v):
        f = backend.igr.PlanarTransform(v[:N], v[N : 2 * N], v[-1])
        return (f._inverse(v[2 * N : -1]) * weights).sum()

    weights = backend.array(WEIGHTS[:N])
    assert_hessian(backend, objective, np.concatenate([u, w, y, [0.3]]), 1e-6)


def test_hessians_of_the_probit(backend):
    probit = backend.igr._numerics.probit.probit_of_log_odds
    odds = np.array([-30.0, -3.0, 0.0, 0.1, 2.0, 40.0])
    assert_hessian(backend, lambda v: probit(v).sum(), odds)
