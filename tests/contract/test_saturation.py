"""Discrete distributions whose means are up to a million scales away from 0, by mp."""

from functools import cache, partial

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


NORMAL_CDFS = {
    "one tail": lambda numerics, x: numerics.normal.log_ndtr(x),
    "left of both": lambda numerics, x: numerics.normal_tails.log_ndtr_of_both(x)[0],
    "right of both": lambda numerics, x: numerics.normal_tails.log_ndtr_of_both(-x)[1],
}


@every_dtype
@pytest.mark.parametrize("name", NORMAL_CDFS)
def test_the_normal_distribution_function_and_two_derivatives(backend, name, dtype):
    x = np.concatenate([-np.logspace(6, -2, 30), [-5, 0, 5]]).astype(dtype)
    log_cdf = partial(NORMAL_CDFS[name], backend.igr._numerics)
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


def stack(ratios, *shapes):
    return np.array([ratio * np.array(shape) for ratio in ratios for shape in shapes])


@every_dtype
@pytest.mark.parametrize("name", ["IGRStickBreaking", "InfiniteIGR"])
def test_logits_and_probs_of_sticks_have_the_right_gradients(backend, name, dtype):
    laws = stack(RATIOS, *(np.array([1, 0.5, 2]) * SIGNS))
    expected = np.array([of_sticks(loc)[1] for loc in laws])
    loc, one = backend.array(laws, dtype), backend.array(np.ones(3), dtype)
    law = getattr(backend.igr, name)

    def sums(m):
        of_loc = law(0.5, m, one)
        return of_loc.logits.sum(0), of_loc.probs.sum(0)

    of_logits, of_probs = backend.jacobian(sums, loc)
    for k in range(3):
        rows_agree(of_logits[k], expected[:, k], TOLERANCE[dtype])
        assert np.abs(of_probs[k]).max() < 1e-30


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
        found, *gradients = backend.value_and_grad(log_probs, *inputs)
        assert np.isfinite(found).all()
        assert np.exp(found).sum(-1) == pytest.approx(1, abs=1e-5)
        for gradient in gradients:
            assert np.isfinite(gradient).all()


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


def of_argmax(loc, k):
    """Log of the integral for category k at scale 1, and its gradient, by mpmath."""
    loc = [mp.mpf(float(x)) for x in loc]
    rest = [x for i, x in enumerate(loc) if i != k]

    def log_density(t):
        return sum(log_ndtr(t - x) for x in rest) - (t - loc[k]) ** 2 / 2

    # Every mean is below 0 or near it: the density falls from 0, or from near it.
    width = 12 / max(1, -loc[k])
    top = log_density(mp.mpf(0))
    edges = [width * i / 4 for i in range(5)]
    density = lambda t: mp.exp(log_density(t) - top)  # noqa: E731
    mass = mp.quad(density, edges, maxdegree=4)
    gradient = []
    for i, x in enumerate(loc):
        slope = (lambda t, x=x: t - x) if i == k else (lambda t, x=x: -hazard(t - x))
        moment = mp.quad(lambda t, s=slope: s(t) * density(t), edges, maxdegree=4)
        gradient.append(float(moment / mass))
    return float(top + mp.log(mass / mp.sqrt(2 * mp.pi))), gradient


FAR = {
    "rare": stack(RATIOS, [-1, 0, 0], [-1, -0.5, -1]).astype("float32"),
    "certain": stack(RATIOS, [1, -1, 0.5]),
    "impossible": stack(RATIOS, [-1, 1, 0.5], [-1, -2, -1]),
    "tied": stack(RATIOS, [1, 1, -1]),
    "beaten": stack(RATIOS, [-1, 1, 0.5]),
}
FAR["rare"][::2, 1:] = 0.3, -0.4


@cache
def firsts_of_argmax(backend, dtype, name):
    """The first log probability, or probability, at scale 1, and its gradient."""
    one = backend.array(np.ones(3), dtype)
    first = lambda m: getattr(backend.igr.IGR(0.5, m, one), name)[..., 0]  # noqa: E731
    loc = backend.array(np.concatenate([*FAR.values()]), dtype)
    found = backend.numpy(first(loc)), backend.numpy(backend.grad(first, loc)[0])
    ends = np.cumsum([len(laws) for laws in FAR.values()])[:-1]
    pieces = zip(*(np.split(x, ends) for x in found), strict=True)
    return dict(zip(FAR, pieces, strict=True))


@cache
def exactly_rare():
    of_laws = (of_argmax(loc, 0) for loc in FAR["rare"])
    return [np.array(x) for x in zip(*of_laws, strict=True)]


@every_dtype
def test_logits_of_the_argmax_have_the_right_gradients(backend, dtype):
    values, gradients = exactly_rare()
    found = firsts_of_argmax(backend, dtype, "logits")["rare"]
    np.testing.assert_allclose(found[0], values, rtol=1e-3)
    rows_agree(found[1], gradients, 1e-3)


@every_dtype
def test_the_certain_and_the_impossible_have_no_gradient(backend, dtype):
    for name, expected in ("certain", 1), ("impossible", 0):
        probs, gradients = firsts_of_argmax(backend, dtype, "probs")[name]
        np.testing.assert_allclose(probs, expected, atol=1e-15)
        assert np.abs(gradients).max() < 1e-15


@every_dtype
def test_a_tie_far_from_zero_is_resolved(backend, dtype):
    found, gradients = firsts_of_argmax(backend, dtype, "probs")["tied"]
    np.testing.assert_allclose(found, 0.5, rtol=1e-5)
    expected = 0.5 / np.sqrt(np.pi) * np.array([[1, -1, 0]] * len(RATIOS))
    np.testing.assert_allclose(gradients, expected, rtol=1e-3, atol=1e-15)


@every_dtype
def test_what_a_mean_far_above_zero_beats_is_estimated_to_5_percent(backend, dtype):
    found, _ = firsts_of_argmax(backend, dtype, "logits")["beaten"]
    # All three meet at t = r/6, which is least of the sum of (t - loc)^2 / 2.
    np.testing.assert_allclose(found, -13 / 12 * np.array(RATIOS) ** 2, rtol=0.05)
