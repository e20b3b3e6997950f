"""Truncation of countably many weights: what is kept, and what the rest holds."""

from functools import cache

import numpy as np
import pytest

EXPECTED_ACTIVE = {0.9: 3.57, 0.99: 6.42, 0.999: 9.28}
RHOS = [0.0, 0.5, 0.9, 0.99, 0.999, 1.0]
WEIGHTS = np.array([[0.5, 0.3, 0.15, 0.05], [0.97, 0.01, 0.01, 0.01]])


@cache
def sticks(num_sticks, size=200_000, dtype="float64", seed=0):
    """Weights of sticks broken at the sigmoid of N(0, 1), in NumPy."""
    y = np.random.default_rng(seed).normal(size=(size, num_sticks)).astype(dtype)
    log_left = -np.logaddexp(0, y).cumsum(-1)
    left = np.exp(np.concatenate([np.zeros_like(y[:, :1]), log_left], -1))
    return np.concatenate([left[:, :-1] / (1 + np.exp(-y)), left[:, -1:]], -1)


@pytest.mark.parametrize("rho", EXPECTED_ACTIVE)
def test_the_mean_number_of_active_weights_is_that_of_the_renewal_formula(backend, rho):
    weights = backend.array(sticks(40))
    active = backend.numpy(backend.igr.num_active(weights, rho))
    error = 4.5 * active.std() / np.sqrt(len(active))
    assert abs(active.mean() - EXPECTED_ACTIVE[rho]) < error + 0.005  # as printed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rho", RHOS)
def test_truncated_weights_sum_to_one_within_4_ulp(backend, rho, dtype):
    law = backend.igr.InfiniteIGR(
        None, backend.array(np.zeros(40), dtype), backend.array(np.ones(40), dtype), rho
    )
    value = backend.numpy(backend.sample(law, 0, (10_000,)))
    assert (value >= 0).all()
    assert np.abs(value.sum(-1, dtype=np.float64) - 1).max() <= 4 * np.finfo(dtype).eps


@pytest.mark.parametrize(
    ("rho", "active", "truncated"),
    [
        (0.4, [1, 1], [[0.5, 0, 0, 0.5], [0.97, 0, 0, 0.03]]),
        (0.7, [2, 1], [[0.5, 0.3, 0, 0.2], [0.97, 0, 0, 0.03]]),
        (0.995, [4, 4], WEIGHTS),
        (np.array([0.7, 0.975]), [2, 2], [[0.5, 0.3, 0, 0.2], [0.97, 0.01, 0, 0.02]]),
        (1.0, [4, 4], WEIGHTS),
    ],
    ids=["one", "two", "overflow", "per_batch", "all"],
)
def test_the_crossing_weight_is_kept_and_the_rest_holds_what_is_beyond(
    backend, rho, active, truncated
):
    weights = backend.array(WEIGHTS)
    rho = rho if isinstance(rho, float) else backend.array(rho)
    np.testing.assert_array_equal(
        backend.numpy(backend.igr.num_active(weights, rho)), active
    )
    found = backend.numpy(backend.igr.truncate(weights, rho))
    np.testing.assert_allclose(found, truncated, rtol=1e-14)


@pytest.mark.parametrize(("rho", "active"), [(0.5, 2), (0.75, 3), (0.875, 4)])
def test_weights_that_make_up_just_rho_do_not_exceed_it(backend, rho, active):
    weights = backend.array([0.5, 0.25, 0.125, 0.125])
    assert int(backend.igr.num_active(weights, rho)) == active


@pytest.mark.parametrize("rho", RHOS)
def test_truncating_again_changes_nothing(backend, rho):
    once = backend.igr.truncate(backend.array(sticks(40, 1000)), rho)
    twice = backend.igr.truncate(once, rho)
    np.testing.assert_array_equal(backend.numpy(twice), backend.numpy(once))


def test_the_gradient_of_the_rest_is_that_of_what_it_holds(backend):
    weights = backend.array(WEIGHTS)
    coefficients = backend.array([1.0, 2.0, 3.0, 5.0])
    (gradient,) = backend.grad(
        lambda w: backend.igr.truncate(w, 0.7) * coefficients, weights
    )
    np.testing.assert_array_equal(backend.numpy(gradient), [[1, 2, 5, 5], [1, 5, 5, 5]])


TAU, NUM_STICKS = 0.25, 20


def gradients(backend, loss, loc, rho):
    """Those of the loss of each value in its own means, which the sticks are at."""

    def total(loc):
        scale = backend.array(np.full(NUM_STICKS, 1e-9))
        return loss(backend.sample(backend.igr.InfiniteIGR(TAU, loc, scale, rho), 0))

    return backend.numpy(backend.grad(total, backend.array(loc))[0])


@pytest.mark.parametrize("rho", [0.9, 0.99])
def test_the_bias_of_a_truncated_gradient_is_within_its_bound(backend, rho):
    costs = np.append(np.cos(np.arange(NUM_STICKS)), -1.0)
    loc = np.random.default_rng(0).normal(size=(2000, NUM_STICKS))
    loc[0, 0] = TAU * np.log((rho + 1e-6) / (1 - rho))  # which leaves just 1 - rho
    loc[0, 1] = 5

    def loss(z):
        return z @ backend.array(costs)

    cut, whole = (gradients(backend, loss, loc, r) for r in (rho, 1.0))
    bias, bound = abs(cut - whole), 2 * (1 - rho) / TAU
    assert 0.6 * bound < bias.max() <= bound


def test_the_bias_has_no_bound_where_a_component_that_is_cut_explains_the_data(
    host, backend
):
    likelihoods = backend.array(np.append([1e-9, 1.0], np.full(NUM_STICKS - 1, 1e-9)))
    loc = np.full((1, NUM_STICKS), 2.0)
    loc[0, 0] = TAU * np.log(0.995 / 0.005)

    def loss(z):
        return host.log(z @ likelihoods)

    cut, whole = (gradients(backend, loss, loc, r)[0, 0] for r in (0.99, 1.0))
    assert abs(cut) < 1e-3
    assert whole == pytest.approx(-0.995 / TAU, rel=1e-3)


def test_a_batch_of_rho_is_a_batch_of_the_result(backend):
    weights, rho = backend.array(WEIGHTS[0]), backend.array([[0.4], [0.7]])
    found = backend.numpy(backend.igr.truncate(weights, rho))
    expected = [[[0.5, 0, 0, 0.5]], [[0.5, 0.3, 0, 0.2]]]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_weight_without_others_is_the_rest(backend):
    weights = backend.array([[1.0], [0.5]])
    found = backend.numpy(backend.igr.truncate(weights, 0.3))
    np.testing.assert_array_equal(found, backend.numpy(weights))
