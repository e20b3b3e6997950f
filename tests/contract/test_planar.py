"""PlanarTransform: a bijection for all parameters, with an inverse."""

import numpy as np
import pytest

N, MANY = 3, 100_000


def parameters_of(size, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    u, w = scale * rng.normal(size=(2, size, N))
    return u, w, rng.normal(size=size)


def make(backend, parameters, dtype="float64"):
    arrays = [backend.array(x, dtype) for x in parameters]
    return backend.igr.PlanarTransform(*arrays)


def least_log_dets(backend, law, dtype):
    """Where the argument of tanh is 0: there the determinant is extreme."""
    w, bias = backend.numpy(law.w), backend.numpy(law.bias)
    x = backend.array(-bias[:, None] * w / (w**2).sum(-1, keepdims=True), dtype)
    return backend.numpy(law.log_abs_det_jacobian(x, law(x)))


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_the_inverse_undoes_the_map(backend, scale):
    u, w, bias = parameters_of(1000, scale)
    u[:500] = -w[:500]  # where the map is all but singular
    law = make(backend, (u, w, bias))
    y = np.random.default_rng(1).normal(size=(1000, N), scale=3)
    found = law._inverse(law(backend.array(y)))
    np.testing.assert_allclose(backend.numpy(found), y, rtol=0, atol=1e-8)
    again = law(law._inverse(backend.array(y)))
    np.testing.assert_allclose(backend.numpy(again), y, rtol=0, atol=1e-8)


def test_the_log_det_and_the_gradient_of_the_inverse_are_those_of_autodiff(backend):
    law = make(backend, parameters_of(4, seed=2))
    y = backend.array(np.random.default_rng(3).normal(size=(4, N)))

    def jacobians(fn, x):
        """Of each member of a batch: none concerns another."""
        return backend.jacobian(lambda x: fn(x).sum(0), x).swapaxes(0, 1)

    forward, inverse = jacobians(law, y), jacobians(law._inverse, law(y))
    log_dets = backend.numpy(law.log_abs_det_jacobian(y, law(y)))
    expected = np.linalg.slogdet(forward)[1]
    np.testing.assert_allclose(log_dets, expected, rtol=0, atol=1e-10)
    eyes = np.broadcast_to(np.eye(N), forward.shape)
    np.testing.assert_allclose(inverse @ forward, eyes, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_no_parameters_make_it_singular(backend, scale, dtype):
    law = make(backend, parameters_of(MANY, scale), dtype)
    log_dets = least_log_dets(backend, law, dtype)
    assert np.isfinite(log_dets).all()
    assert log_dets.min() > np.log(0.9e-4)
    y = np.random.default_rng(1).normal(size=(MANY, N), scale=3)
    inverse = law._inverse(backend.array(y, dtype))
    assert np.isfinite(backend.numpy(inverse)).all()
    if dtype == "float64":
        np.testing.assert_allclose(backend.numpy(law(inverse)), y, rtol=0, atol=1e-8)


def test_without_a_direction_it_is_a_shift(backend):
    u, _, bias = parameters_of(2)
    law = make(backend, (u, 0 * u, bias))
    y = backend.array(np.ones((2, N)))
    found = backend.numpy(law(y))
    np.testing.assert_allclose(found, 1 + u * np.tanh(bias)[:, None])
    np.testing.assert_allclose(backend.numpy(law._inverse(law(y))), np.ones((2, N)))
    np.testing.assert_array_equal(backend.numpy(law.log_abs_det_jacobian(y, y)), 0)

    def total(u, w):
        return backend.igr.PlanarTransform(u, w, backend.array(bias))(y).sum(-1)

    for gradient in backend.grad(total, backend.array(u), backend.array(0 * u)):
        assert np.isfinite(backend.numpy(gradient)).all()


def test_parameters_get_their_gradients_through_the_inverse(backend):
    u, w, bias = (x[0] for x in parameters_of(1, seed=4))
    y = backend.array(np.random.default_rng(5).normal(size=N))

    def first(u, w, bias):
        return backend.igr.PlanarTransform(u, w, bias)._inverse(y)[..., :1]

    def at(*values):  # both, since jax compiles that once for all points
        return backend.value_and_grad(first, *map(backend.array, values))

    found = np.concatenate([np.ravel(g) for g in at(u, w, bias)[1:]])
    flat, step = np.concatenate([u, w, [bias]]), 1e-5
    for i in range(len(flat)):
        ends = []
        for sign in (1, -1):
            moved = flat.copy()
            moved[i] += sign * step
            parts = moved[:N], moved[N : 2 * N], moved[2 * N]
            ends.append(at(*parts)[0][0])
        difference = (ends[0] - ends[1]) / (2 * step)
        assert found[i] == pytest.approx(difference, abs=1e-6)


def test_batches_broadcast_with_the_points(backend):
    u, w, bias = parameters_of(2)
    law = make(backend, (u, w[0], bias[:, None]))
    y = np.ones((4, 1, 1, N))
    assert backend.numpy(law(backend.array(y))).shape == (4, 2, 2, N)
    assert tuple(law.forward_shape(y.shape)) == (4, 2, 2, N)


def test_directions_of_different_lengths_are_refused(backend):
    with pytest.raises(ValueError, match=r"same last dimension, got shapes \(3,\) and"):
        make(backend, (np.ones(3), np.ones(2), 0.0))


def test_integer_directions_are_those_of_the_same_reals(backend):
    y, u, w = [0.3, -0.2], [1, 0], [1, 2]
    of_integers, of_reals = (
        backend.igr.PlanarTransform(backend.array(u, dtype), backend.array(w, dtype))
        for dtype in ("int32", "float64")
    )
    y = backend.array(y)
    np.testing.assert_allclose(
        backend.numpy(of_integers(y)), backend.numpy(of_reals(y)), atol=1e-6
    )


def test_points_of_another_length_are_refused(backend):
    one = backend.array([1.0])
    layer = backend.igr.PlanarTransform(one, one)
    with pytest.raises(ValueError, match="expected points of the 1 entries of u and w"):
        layer(backend.array(np.zeros(3)))
    with pytest.raises(ValueError, match="expected points of the 1 entries of u and w"):
        backend.igr.IGRFlow(0.5, backend.array(np.zeros(3)), 1.0, layer)


@pytest.mark.parametrize("size", [0.0, 1e-25, 1e-22, 5e-20])
def test_it_is_a_shift_where_the_square_of_its_direction_underflows(backend, size):
    u, w, y = np.array([1.0, -0.5]), np.full(2, size), np.array([0.3, -0.8])
    law = make(backend, (u, w, 0.7), "float32")
    found = law(backend.array(y, "float32"))
    np.testing.assert_allclose(backend.numpy(found), y + u * np.tanh(0.7), 1e-6)
    assert np.isfinite(backend.numpy(law.inv(found))).all()
    assert np.isfinite(backend.numpy(law.log_abs_det_jacobian(found, found)))
