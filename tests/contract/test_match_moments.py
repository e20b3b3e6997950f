"""The means that give a relaxed value a given mean."""

import numpy as np
import pytest

PROBS = np.array([0.1, 0.25, 0.05, 0.6])


@pytest.mark.parametrize(
    ("temperature", "scale", "delta"),
    [(1.0, 1.0, 1.0), (0.3, 0.5, 1.0), (0.5, 2.0, 3.0), (0.01, 1.0, 1.0)],
)
def test_the_mean_of_the_relaxed_value_is_the_one_given(
    backend, temperature, scale, delta
):
    loc, scale = backend.igr.match_moments(
        backend.array(PROBS), temperature, scale, delta
    )
    law = backend.igr.IGR(temperature, loc, scale, delta)
    mean = backend.numpy(backend.sample(law, 0, (200_000,))).mean(0)
    np.testing.assert_allclose(mean, PROBS, atol=0.01)


def test_equal_calls_have_equal_results(backend):
    first, second = (
        backend.numpy(backend.igr.match_moments(backend.array(PROBS), 0.5)[0])
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_the_means_tend_to_those_of_the_discrete_distribution_as_the_temperature_falls(
    backend,
):
    discrete = backend.numpy(backend.igr.match_probs(backend.array(PROBS)))
    distances = []
    for temperature in (1.0, 0.3, 0.05):
        loc, _ = backend.igr.match_moments(backend.array(PROBS), temperature)
        distances.append(abs(backend.numpy(loc) - discrete).max())
    assert distances[0] > 2 * distances[1] > 4 * distances[2]
    assert distances[2] < 0.03


def test_a_uniform_mean_is_no_uniform_discrete_distribution(backend):
    loc, scale = backend.igr.match_moments(backend.array(np.full(10, 0.1)), 0.5)
    probs = backend.numpy(backend.igr.argmax_probs(loc, scale))
    assert probs[-1] < 0.05
    assert probs[:-1].min() > 0.1


def test_a_batch_is_solved_member_by_member(backend):
    targets, temperatures = np.array([PROBS, PROBS[::-1]]), np.array([0.5, 0.2])
    loc, scale = backend.igr.match_moments(
        backend.array(targets), backend.array(temperatures)
    )
    assert backend.numpy(scale).shape == (2, 3)
    for i in range(2):
        one, _ = backend.igr.match_moments(backend.array(targets[i]), temperatures[i])
        np.testing.assert_allclose(backend.numpy(loc)[i], backend.numpy(one), atol=1e-8)


def test_its_gradient_agrees_with_finite_differences(backend):
    weights = backend.array([1.0, -2.0, 0.7])

    def objective(probs, temperature, scale, delta):
        loc, _ = backend.igr.match_moments(probs, temperature, scale, delta, 1000)
        return (loc * weights).sum(-1)

    def at(values):  # both, since jax compiles that once for all points
        return backend.value_and_grad(objective, *map(backend.array, values))

    values = [PROBS, np.array(0.4), np.array([0.6, 1.3, 0.9]), np.array(2.0)]
    _, *gradients = at(values)
    for i, gradient in enumerate(gradients):
        direction = np.random.default_rng(i).normal(size=values[i].shape)
        ends = []
        for sign in (1, -1):
            moved = list(values)
            moved[i] = values[i] + sign * 1e-5 * direction
            ends.append(at(moved)[0])
        expected = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose((gradient * direction).sum(), expected, rtol=1e-5)


def test_it_is_finite_in_single_precision_at_low_temperatures(backend):
    probs = np.random.default_rng(0).dirichlet(np.ones(200)).astype("float32")
    found = backend.igr.match_moments(
        backend.array(probs, "float32"), 0.01, num_samples=200
    )
    assert all(np.isfinite(backend.numpy(parameter)).all() for parameter in found)


@pytest.mark.parametrize("name", ["temperature", "scale", "delta"])
def test_a_parameter_that_is_not_positive_is_one_clear_error(backend, name):
    parameters = {"temperature": 0.5} | {name: -1.0}
    with (
        backend.validation(True),
        pytest.raises(ValueError, match=f"expected {name} to be positive, got -1.0"),
    ):
        backend.igr.match_moments(backend.array(PROBS), **parameters)


def test_a_mean_on_the_boundary_is_one_clear_error(backend):
    with pytest.raises(ValueError, match="expected every entry of probs to be"):
        backend.igr.match_moments(backend.array([0.0, 0.4, 0.6]), 0.5)
