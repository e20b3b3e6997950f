"""One-hot forward, relaxed gradient."""

import numpy as np
import pytest

LOC, SCALE = np.array([[0.3, -0.8, 1.1]]), np.array([[0.7, 1.2, 0.4]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("tau", [0.01, 0.5, 5.0])
def test_samples_are_exactly_one_hot(backend, tau, dtype):
    loc, scale = backend.array(LOC, dtype), backend.array(SCALE, dtype)
    law = backend.igr.IGRStraightThrough(tau, loc, scale)
    z = backend.numpy(backend.sample(law, 0, (10_000,)))
    assert ((z == 0) | (z == 1)).all()
    assert (z.sum(-1) == 1).all()


def test_samples_are_the_vertices_nearest_to_the_relaxed_ones(backend):
    loc, scale = backend.array(LOC), backend.array(SCALE)
    hard = backend.sample(backend.igr.IGRStraightThrough(0.5, loc, scale), 3, (100,))
    soft = backend.sample(backend.igr.IGR(0.5, loc, scale), 3, (100,))
    hard, soft = backend.numpy(hard), backend.numpy(soft)
    np.testing.assert_array_equal(hard.argmax(-1), soft.argmax(-1))


def test_samples_have_their_probabilities_whatever_the_weight_of_the_last(backend):
    loc, scale = backend.array(LOC[0]), backend.array(SCALE[0])
    law = backend.igr.IGRStraightThrough(1.0, loc, scale, 5.0)
    shares = backend.numpy(backend.sample(law, 0, (20_000,))).mean(0)
    np.testing.assert_allclose(shares, backend.numpy(law.probs), atol=0.02)


def test_the_gradient_is_that_of_the_relaxed_sample(backend):
    weights = backend.array([1.0, -2.0, 0.5, 3.0])

    def objective(law):
        def value(loc, scale):
            return (backend.sample(law(0.5, loc, scale), 7, (20,)) * weights).sum(-1)

        return value

    inputs = backend.array(LOC), backend.array(SCALE)
    hard = backend.grad(objective(backend.igr.IGRStraightThrough), *inputs)
    soft = backend.grad(objective(backend.igr.IGR), *inputs)
    for found, expected in zip(hard, soft, strict=True):
        np.testing.assert_allclose(backend.numpy(found), backend.numpy(expected))
        assert np.abs(backend.numpy(found)).max() > 1e-3


def test_a_hard_value_has_no_density(backend):
    law = backend.igr.IGRStraightThrough(0.5, backend.array(LOC), backend.array(SCALE))
    z = backend.sample(law, 0, (100,))
    assert (backend.numpy(law.log_prob(z)) == -np.inf).all()


def test_straight_through_hardens_any_soft_value(backend):
    z = backend.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
    hard = backend.numpy(backend.igr.straight_through(z))
    np.testing.assert_array_equal(hard, [[0, 1, 0], [1, 0, 0]])
    jacobian = backend.jacobian(backend.igr.straight_through, z[0])
    np.testing.assert_allclose(jacobian, np.eye(3))


def test_the_largest_entry_has_the_probabilities_of_igr_not_of_sticks(backend):
    def share(law):
        z = backend.sample(law, 0, (5000,))
        return backend.numpy(backend.igr.straight_through(z))[:, 0].mean()

    probs = backend.array([0.1] * 10)
    sticks = backend.igr.IGRStickBreaking.from_probs(1.0, probs)
    assert share(backend.igr.IGR.from_probs(1.0, probs)) == pytest.approx(0.1, abs=0.02)
    assert share(sticks) == pytest.approx(0.4, abs=0.03)
    hard = backend.igr.RaoBlackwellized(sticks, 1)
    assert share(hard) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("tempering", ["weights", "softmax++", "vertex"])
def test_the_largest_entry_has_the_probabilities_of_the_largest_weight(
    backend, tempering
):
    loc, scale = backend.array(LOC[0]), backend.array(SCALE[0])
    law = backend.igr.IGRStickBreaking(1.0, loc, scale, tempering=tempering)
    z = backend.igr.straight_through(backend.sample(law, 0, (20_000,)))
    shares, expected = backend.numpy(z).mean(0), backend.numpy(law.probs)
    np.testing.assert_allclose(shares, expected, atol=0.02)


def test_the_vertex_nearest_to_nan_is_not_a_number(backend):
    z = backend.array([[np.nan, 0.5, 0.5], [0.2, 0.3, 0.5]])
    found = backend.numpy(backend.igr.straight_through(z))
    np.testing.assert_array_equal(np.isnan(found).any(-1), [True, False])
