"""Every map, law by law."""

import mpmath as mp
import numpy as np
import oracle
import pytest
from cases import TEMPERINGS, TRANSFORMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

every_map = pytest.mark.parametrize("name", TRANSFORMS)
DELTA = {"softmax_plus_plus_delta": 3.0}


def normals(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@every_map
@pytest.mark.parametrize("tau", [0.2, 1.0])
def test_the_value_agrees_with_50_digits(backend, name, tau):
    transform = TRANSFORMS[name](backend.igr, tau)
    for y in normals(0, 5, 4):
        with mp.workdps(50):
            y_exact = [mp.mpf(float(y_k)) for y_k in y]
            z = oracle.forward(name, y_exact, tau, DELTA.get(name, 1.0))
        found = backend.numpy(transform(backend.array(y)))
        np.testing.assert_allclose(found, [float(z_k) for z_k in z], rtol=1e-10)


@every_map
@pytest.mark.parametrize("tau", [0.2, 1.0])
def test_the_log_det_agrees_with_differentiation_in_50_digits(backend, name, tau):
    transform = TRANSFORMS[name](backend.igr, tau)
    for y in normals(1, 3, 3):
        found = transform.log_abs_det_jacobian(backend.array(y), None)
        expected = oracle.log_det(name, y, tau, DELTA.get(name, 1.0))
        np.testing.assert_allclose(backend.numpy(found), expected, atol=1e-10)


@every_map
@pytest.mark.parametrize("n", [1, 2, 6])
def test_the_log_det_agrees_with_autodiff(backend, name, n):
    transform = TRANSFORMS[name](backend.igr, 0.7)
    y = backend.array(normals(2, n))
    jacobian = backend.jacobian(lambda y: transform(y)[..., :-1], y)
    expected = np.linalg.slogdet(jacobian)[1]
    found = transform.log_abs_det_jacobian(y, transform(y))
    np.testing.assert_allclose(backend.numpy(found), expected, atol=1e-9)


@every_map
@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    y=arrays(float, (3, 5), elements=st.floats(-3, 3)),
    tau=st.floats(0.1, 1.0),
)
def test_the_inverse_undoes_the_map(backend, name, y, tau):
    transform = TRANSFORMS[name](backend.igr, tau)
    y = backend.array(y)
    found = transform.from_log(transform.to_log(y))
    precision = 1e-6 if name == "stick_breaking_softmax++" else 1e-9
    np.testing.assert_allclose(
        backend.numpy(found), backend.numpy(y), atol=precision, rtol=precision
    )


def test_softmax_plus_plus_of_sticks_is_inverted_as_far_as_their_rest_shows(backend):
    y = np.abs(normals(9, 20, 12))
    rest = expit(-y).prod(-1)
    assert rest.min() < 1e-8
    tempering = {"tempering": "softmax++", "validate_args": False}
    loc, one = backend.array(np.zeros(12)), backend.array(np.ones(12))
    law = backend.igr.IGRStickBreaking(0.5, loc, one, **tempering)
    (transform,) = law.transforms
    z = transform(backend.array(y))
    log_det = backend.numpy(transform.log_abs_det_jacobian(backend.array(y), z))
    error = np.abs(backend.numpy(transform.inv(z)) - y).max(-1)
    assert (error < 1e-12 / rest).all()
    expected = oracle.log_normal(y, 0, 1) - log_det
    error = np.abs(backend.numpy(law.log_prob(z)) - expected)
    assert (error < 1e-12 / rest).all()


@every_map
def test_values_are_on_the_simplex_and_in_the_codomain(backend, name):
    for dtype in ("float64", "float32"):
        transform = TRANSFORMS[name](backend.igr, 0.3)
        z = transform(backend.array(normals(3, 1000, 19), dtype))
        assert backend.numpy(transform.codomain.check(z)).all()
        np.testing.assert_allclose(backend.numpy(z).sum(-1), 1, atol=1e-6)
        assert (backend.numpy(z) >= 0).all()


@every_map
def test_a_batch_of_temperatures_is_applied_element_by_element(backend, name):
    y = backend.array(normals(4, 3, 4))
    taus = [0.2, 0.5, 1.0]
    together = TRANSFORMS[name](backend.igr, backend.array(taus))
    log_det = backend.numpy(together.log_abs_det_jacobian(y, together(y)))
    for k, tau in enumerate(taus):
        alone = TRANSFORMS[name](backend.igr, tau)
        for found, expected in [
            (together(y)[k], alone(y[k])),
            (together.inv(together(y))[k], y[k]),
            (log_det[k], alone.log_abs_det_jacobian(y[k], alone(y[k]))),
        ]:
            np.testing.assert_allclose(
                backend.numpy(found), backend.numpy(expected), atol=1e-9
            )


@every_map
def test_shapes_are_inferred_as_they_come_out(backend, name):
    transform = TRANSFORMS[name](backend.igr, backend.array([0.5, 0.7, 0.9]))
    y = backend.array(normals(5, 2, 1, 4))
    z = transform(y)
    assert tuple(transform.forward_shape(y.shape)) == tuple(z.shape) == (2, 3, 5)
    assert tuple(transform.inverse_shape(z.shape)) == (2, 3, 4)


def test_a_map_that_overrides_to_log_has_no_logits_of_another(backend):
    class Doubled:
        def to_log(self, y):
            return super().to_log(2 * y)

    base = backend.igr.SoftmaxPlusPlusTransform
    derived = type(
        "Derived", (base,), {"to_log": lambda self, y: base.to_log(self, 2 * y)}
    )
    mixed = type("Mixed", (Doubled, base), {})
    y = backend.array([0.3, -0.2])
    expected = backend.numpy(base(0.5)(2 * y))
    for transform in derived(0.5), mixed(0.5):
        np.testing.assert_allclose(backend.numpy(transform(y)), expected, atol=1e-12)


def test_softmax_plus_plus_tends_to_the_largest_of_y_and_zero(backend):
    y = normals(6, 500, 4)
    z = TRANSFORMS["softmax_plus_plus"](backend.igr, 0.01)(backend.array(y))
    expected = np.concatenate([y, np.zeros((500, 1))], -1).argmax(-1)
    np.testing.assert_array_equal(backend.numpy(z).argmax(-1), expected)


def test_sticks_tend_to_the_first_positive_y(backend):
    y = normals(7, 500, 4)
    z = TRANSFORMS["stick_breaking_sticks"](backend.igr, 1e-4)(backend.array(y))
    expected = np.concatenate([y, np.ones((500, 1))], -1) > 0
    np.testing.assert_array_equal(backend.numpy(z).argmax(-1), expected.argmax(-1))


def test_softmax_plus_plus_of_sticks_never_chooses_the_last_category(backend):
    transform = TRANSFORMS["stick_breaking_softmax++"](backend.igr, 0.3)
    z = backend.numpy(transform(backend.array(normals(8, 1000, 4) * 3)))
    assert (z[:, :-1] > z[:, -1:]).all()


OFF_THE_IMAGE = {
    "softmax++": [[0.1, 0.2, 0.7], [0.98, 0.015, 0.005]],
    "vertex": [[0.4, 0.35, 0.25], [0.6, 0.2, 0.2]],
}


@pytest.mark.parametrize("tempering", OFF_THE_IMAGE)
def test_points_of_the_simplex_off_the_image_are_recognised(backend, tempering):
    transform = backend.igr.StickBreakingTransform(0.3, tempering)
    law = backend.igr.IGRStickBreaking(
        0.3,
        backend.array([0.0, 0.0]),
        backend.array([1.0, 1.0]),
        tempering=tempering,
        validate_args=False,
    )
    z = backend.array(OFF_THE_IMAGE[tempering])
    assert not backend.numpy(transform.codomain.check(z)).any()
    assert (backend.numpy(law.log_prob(z)) == -np.inf).all()


@pytest.mark.parametrize("tempering", TEMPERINGS)
def test_the_density_integrates_to_one(backend, tempering):
    law = backend.igr.IGRStickBreaking(
        0.6,
        backend.array([0.3]),
        backend.array([0.8]),
        tempering=tempering,
        validate_args=False,
    )
    points = (np.arange(200_000) + 0.5) / 200_000
    z = backend.array(np.stack([points, 1 - points], -1))
    density = np.exp(backend.numpy(law.log_prob(z)))
    np.testing.assert_allclose(density.mean(), 1, atol=1e-4)


BAD_PARAMETERS = {
    "negative": (lambda igr: igr.SoftmaxPlusPlusTransform(-1.0), "temperature"),
    "zero": (lambda igr: igr.StickBreakingTransform(0.0), "temperature"),
    "nan": (lambda igr: igr.StickBreakingTransform(float("nan")), "temperature"),
    "delta": (lambda igr: igr.SoftmaxPlusPlusTransform(1.0, -2.0), "delta"),
    "vertex": (lambda igr: igr.StickBreakingTransform(1.5, "vertex"), "at most 1"),
    "name": (lambda igr: igr.StickBreakingTransform(1.0, "power"), "tempering"),
}


@pytest.mark.parametrize(("make", "match"), BAD_PARAMETERS.values(), ids=BAD_PARAMETERS)
def test_a_parameter_out_of_range_is_one_clear_error(backend, make, match):
    with backend.validation(True), pytest.raises(ValueError, match=match):
        make(backend.igr)


@every_map
def test_a_point_of_one_category_has_no_coordinates(backend, name):
    transform = TRANSFORMS[name](backend.igr, 0.5)
    assert transform.inv(backend.array([1.0])).shape == (0,)
