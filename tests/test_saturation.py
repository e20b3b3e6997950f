"""Discrete laws whose means are up to a million scales away from 0, by mp."""

import numpy as np
import pytest
from mpmath import MPContext

mp = MPContext()
mp.dps = 40

RATIOS = [1e2, 1e3, 1e4, 1e5, 1e6]
SIGNS = [[-1, 1, 1], [1, -1, 1], [1, 1, -1], [-1, -1, -1]]
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE)


def hazard(x):
    r""":math:`\phi(x) / \Phi(x)`, in the tail by Laplace's continued fraction."""
    x = mp.mpf(float(x))
    if x > -30:
        return mp.npdf(x) / mp.ncdf(x)
    c = -x
    for k in range(300, 0, -1):
        c = -x + k / c
    return c


def log_ndtr(x):
    x = mp.mpf(float(x))
    if x > 0:
        return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)
    return mp.log(mp.npdf(x)) - mp.log(hazard(x))


def of_sticks(loc):
    """Log probabilities of the first positive Gaussian of scale 1, and gradients."""
    n = len(loc)
    logits, gradients = np.zeros(n + 1), np.zeros((n + 1, n))
    for k in range(n + 1):
        for i in range(min(k + 1, n)):
            sign = 1 if i == k else -1
            logits[k] += float(log_ndtr(sign * loc[i]))
            gradients[k, i] = sign * float(hazard(sign * loc[i]))
    return logits, gradients


def rows_agree(found, expected, tolerance):
    error = np.abs(found - expected).max(-1)
    np.testing.assert_array_less(error, tolerance * np.abs(expected).max(-1) + 1e-30)


@every_dtype
def test_the_normal_distribution_function_and_two_derivatives(backend, dtype):
    x = np.concatenate([-np.logspace(6, -2, 30), [-5, 0, 5]]).astype(dtype)
    log_cdf = backend.igr.discrete.normal.log_ndtr
    h = [hazard(v) for v in x]
    point = backend.array(x, dtype)
    second = backend.grad(lambda x: backend.slope(log_cdf, x), point)[0]
    for found, expected in [
        (log_cdf(point), [log_ndtr(v) for v in x]),
        (backend.grad(log_cdf, point)[0], h),
        (second, [-a * (float(v) + a) for a, v in zip(h, x, strict=True)]),
    ]:
        expected = np.array(expected, "float64")
        found = backend.numpy(found).astype("float64")
        np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype])


@every_dtype
@pytest.mark.parametrize("name", ["IGRStickBreaking", "InfiniteIGR"])
def test_logits_and_probs_of_sticks_have_the_right_gradients(backend, name, dtype):
    for ratio in RATIOS:
        for signs in SIGNS:
            loc = ratio * np.array([1, 0.5, 2]) * signs
            logits, gradients = of_sticks(loc)
            inputs = backend.array(loc, dtype), backend.array(np.ones(3), dtype)
            law = getattr(backend.igr, name)

            def logits_of(m, inputs=inputs, law=law):
                return law(0.5, m, inputs[1]).logits[..., :3]

            found = backend.jacobian(logits_of, inputs[0])
            rows_agree(found, gradients[:3], TOLERANCE[dtype])
            found = backend.jacobian(
                lambda m, law=law, one=inputs[1]: law(0.5, m, one).probs, inputs[0]
            )
            assert np.isfinite(found).all()
            assert np.abs(found).max() < 1e-30


@every_dtype
@pytest.mark.parametrize("name", ["log_argmax_probs", "log_largest_weight_probs"])
def test_extreme_and_mixed_scales_are_finite(backend, name, dtype):
    log_probs = getattr(backend.igr.discrete, name)
    rng = np.random.default_rng(0)
    one = [[-50.0], [50.0], [1e-3], [0.0]], [[1e-3], [1e-3], [1e6], [1e3]]
    size = 10.0 ** np.arange(4)[:, None]
    six = rng.normal(size=(4, 6)) * size, 10 ** rng.uniform(-3, 3, (4, 6))
    for loc, scale in (one, six):
        inputs = backend.array(loc, dtype), backend.array(scale, dtype)
        found = log_probs(*inputs)
        assert np.isfinite(backend.numpy(found)).all()
        assert np.exp(backend.numpy(found)).sum(-1) == pytest.approx(1, abs=1e-5)
        for gradient in backend.grad(log_probs, *inputs):
            assert np.isfinite(backend.numpy(gradient)).all()


@pytest.mark.parametrize("dtype", ["int32", "float16", "bfloat16"])
@pytest.mark.parametrize("law", ["argmax", "stick", "largest_weight"])
def test_plain_functions_take_integers_and_half_precision(backend, law, dtype):
    values = [0, 2, -1, 1], [1, 1, 2, 1]
    loc, scale = (backend.array(x, dtype) for x in values)
    for name in (f"{law}_probs", f"log_{law}_probs"):
        function = getattr(backend.igr.discrete, name)
        found = function(loc, scale)
        assert dtype == "int32" or found.dtype == loc.dtype
        expected = backend.numpy(function(*map(backend.array, values)))
        eps = {"bfloat16": 2**-8, "float16": 2**-11}.get(dtype, 1e-6)
        found = np.array(backend.tolist(found))
        np.testing.assert_allclose(found, expected, rtol=eps, atol=1e-6)
