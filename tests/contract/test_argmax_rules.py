"""The rule over the bulk of the maximum, over thousands of random distributions."""

from functools import cache

import numpy as np
import pytest
from mpmath import mp
from scipy.special import log_ndtr, logsumexp

# Total variation, and gradients of expectations of standard normal values.
BOUNDS = {"float64": (1e-10, 1e-10), "float32": (5e-6, 5e-6)}
SIZES = {3: 2000, 10: 1000, 30: 1, 100: 60, 1000: 6}
every_dtype = pytest.mark.parametrize("dtype", BOUNDS)


def random_gaussians(k, kind):
    """Means from alike to hopelessly far, around 0 and off it; scales as it is said."""
    rng = np.random.default_rng(k)
    size = SIZES[k]
    spread = rng.choice([0.3, 1, 2, 4, 8], (size, 1))
    shift = rng.choice([-5, -2, 0, 2, 5], (size, 1))
    scale = np.ones(1)
    loc = spread * rng.normal(size=(size, k - 1)) + shift
    if kind == "similar":
        scale = np.exp(rng.uniform(*np.log([0.3, 1.49]), (size, k - 1)))
    if kind == "one wide":  # which stretches the bulk, where the others make a step
        scale = np.where(np.arange(k - 1), 0.3, 1.49) + 0 * loc
        jitter = 0.1 * rng.choice([0, 1], (size, 1))
        loc = np.abs(shift) + jitter * rng.normal(size=loc.shape)
        loc[:, 0] += rng.uniform(-2, 6, size)
    return loc, scale, rng.normal(size=(size, k))


def by_brute_force(loc, scale, values):
    """Probabilities, and gradients of their means of the values: 1024 nodes each."""
    x, weights = np.polynomial.legendre.leggauss(16)
    x = ((np.arange(64)[:, None] + (x + 1) / 2) / 64).reshape(-1, 1)
    weights = np.log(np.tile(weights / 128, 64))
    found = []
    for m, s, v in zip(loc, scale, values, strict=True):
        low = max(0, (m - 9 * s).max())
        width = (np.maximum(m, low) + 10 * s).max() - low
        u = (low + width * x - m) / s
        log_cdf = log_ndtr(u)
        log_r = -0.5 * (u**2 + np.log(2 * np.pi)) - log_cdf - np.log(s)
        terms = (weights + np.log(width) + log_cdf.sum(-1))[:, None] + log_r
        probs = np.append(np.exp(logsumexp(terms, 0)), np.exp(log_ndtr(-m / s).sum()))
        masses, r = np.exp(terms), np.exp(log_r)
        own = v[:-1] * masses * (u / s + r)
        pull = own - r * (masses @ v[:-1])[:, None]
        d_scale = (pull * u).sum(0) - v[:-1] * probs[:-1] / s
        r_0 = np.exp(-0.5 * (m / s) ** 2 - log_ndtr(-m / s)) / np.sqrt(2 * np.pi) / s
        last = v[-1] * probs[-1] * r_0
        found.append((probs, pull.sum(0) - last, d_scale + last * m / s))
    return [np.array(x) for x in zip(*found, strict=True)]


@cache
def exactly(k, kind):
    """Distributions that either dtype has, values, and what is exact of them."""
    loc, scale, values = random_gaussians(k, kind)
    loc, scale = (x.astype("float32").astype("float64") for x in (loc, scale))
    return loc, scale, values, *by_brute_force(loc, scale + 0 * loc, values)


@every_dtype
@pytest.mark.parametrize(
    ("kind", "k"),
    [
        *(("equal", k) for k in (10, 1000)),
        *(("similar", k) for k in (3, 10, 100)),
        *(("one wide", k) for k in (10, 30, 1000)),
    ],
)
def test_probabilities_and_gradients_are_those_of_brute_force(
    backend, monkeypatch, kind, k, dtype
):
    if k in (3, 100):  # where ten are not told their rule, and compile them all
        argmax = backend.igr.discrete.argmax
        monkeypatch.setattr(argmax, "rule_for", lambda scale: kind)
    loc, scale, values, probs, d_loc, d_scale = exactly(k, kind)
    inputs = [backend.array(x, dtype) for x in (loc, scale)]
    weights = backend.array(values, dtype)
    weighted, *gradients = backend.value_and_grad(
        lambda m, s: backend.igr.argmax_probs(m, s) * weights, *inputs
    )
    found = weighted.astype("float64") / values.astype(dtype)
    of_probs, of_gradient = BOUNDS[dtype]
    assert 0.5 * np.abs(found - probs).sum(-1).max() < of_probs
    if kind == "equal":
        d_scale = d_scale.sum((0, 1))
    for found, exact in zip(gradients, (d_loc, d_scale), strict=True):
        error = np.abs(found - exact).max()
        assert error < of_gradient * max(1, np.abs(exact).max())


@every_dtype
def test_logarithms_are_accurate_far_into_the_tail(backend, dtype):
    loc, scale, _, probs, *_ = exactly(10, "equal")
    arrays = (backend.array(x, dtype) for x in (loc, scale))
    found = backend.numpy(backend.igr.discrete.log_argmax_probs(*arrays))
    for least, bound in {
        "float32": [(1e-6, 2e-5), (1e-10, 5e-3)],
        "float64": [(1e-6, 1e-10), (1e-10, 1e-7)],
    }[dtype]:
        error = np.abs(found - np.log(np.maximum(probs, 1e-300)))
        assert error[probs > least].max() < bound


def test_a_few_are_those_of_mpmath(backend):
    for loc, scale in [([0.3, -1.0], [1.0, 1.0]), ([6.0, 5.0], [0.4, 1.6])]:

        def density(t, k, loc=loc, scale=scale):
            other = 1 - k
            u = (t - loc[k]) / scale[k]
            return mp.npdf(u) / scale[k] * mp.ncdf((t - loc[other]) / scale[other])

        edges = [0, 2, 4, 5, 6, 7, 8, 12, 20]
        exact = [float(mp.quad(lambda t, k=k: density(t, k), edges)) for k in (0, 1)]
        found = backend.igr.argmax_probs(backend.array(loc), backend.array(scale))
        np.testing.assert_allclose(backend.numpy(found)[:2], exact, atol=1e-12)


@pytest.mark.parametrize(("least", "rule"), [(0.1, (16, 8)), (0.01, (64, 16))])
def test_unlike_scales_have_the_panels(backend, least, rule):
    loc = backend.array([[0.3, -1.0, 0.5], [1.0, 2.0, 0.0]])
    scale = backend.array([[least, 0.6, 1.0], [1.0, 1.0, 1.0]])
    weights = backend.array(np.arange(1.0, 5))
    default, panels = (
        backend.value_and_grad(
            lambda m, s, r=r: backend.igr.argmax_probs(m, s, *r) * weights, loc, scale
        )
        for r in ((), rule)
    )
    np.testing.assert_allclose(default[0], panels[0], rtol=1e-13)
    for found, expected in zip(default[1:], panels[1:], strict=True):
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("least", [0.5, 0.1, 0.01])
def test_means_are_matched_whatever_the_scales(backend, least):
    scale = backend.array([least, 0.6, 1.0])
    probs = np.array([0.1, 0.4, 0.2, 0.3])
    loc = backend.igr.match_probs(backend.array(probs), scale)
    found = backend.igr.argmax_probs(loc, scale, 128, 16)
    np.testing.assert_allclose(backend.numpy(found), probs, atol=1e-9)


@every_dtype
def test_normal_distribution_functions_are_those_of_mpmath(backend, dtype):
    x = np.concatenate([-np.logspace(6, -3, 60), np.linspace(0, 9, 40)]).astype(dtype)
    with mp.workdps(40):
        points = [mp.mpf(float(v)) for v in x]
        log_cdf = [mp.log(mp.ncdf(v)) for v in points]
        log_pdf = [-(v**2) / 2 - mp.log(2 * mp.pi) / 2 for v in points]
        log_hazard = [p - c for p, c in zip(log_pdf, log_cdf, strict=True)]
        exact = np.array([log_cdf, log_hazard]).astype("float64")
    numerics = backend.igr._numerics
    for fn, repeats in [
        (numerics.quick_normal.quick_log_ndtr_and_hazard, 1),
        (numerics.normal.log_ndtr_and_hazard, 1),
        (numerics.normal.log_ndtr_and_hazard, 20),  # long enough for a polynomial
    ]:
        found = fn(backend.array(np.tile(x, repeats), dtype))
        error = np.abs([backend.numpy(v)[: len(x)] for v in found] - exact)
        bound = {"float32": 1e-6, "float64": 1e-14}[dtype]
        assert (error / np.maximum(np.abs(exact), 1)).max() < bound
