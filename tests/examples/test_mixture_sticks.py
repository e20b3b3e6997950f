"""Sticks start even or at the prior; the KL of Kumaraswamy sticks is exact."""

import importlib
from functools import cache

import numpy as np
import pytest
from mpmath import mp
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from examples.dp_mixture_vae.sticks import (
    even_sticks,
    nearest_gaussian,
    start_of_sticks,
)


def break_sticks(u):
    left = np.cumprod(np.append(1, 1 - u))
    return np.append(u, 1) * left


def test_even_sticks_break_even_weights():
    np.testing.assert_allclose(break_sticks(expit(even_sticks(7))), 1 / 8, rtol=1e-6)


@pytest.mark.parametrize("concentration", [0.5, 1.0, 5.0])
def test_dldpmm_starts_at_even_mean_sticks(concentration):
    log_a, log_b = start_of_sticks("dldpmm", concentration, 6)
    means = 1 / (1 + concentration * np.exp(log_b))
    np.testing.assert_array_equal(log_a, 0)
    np.testing.assert_allclose(break_sticks(means), 1 / 7, rtol=1e-6)


@pytest.mark.parametrize("concentration", [0.5, 1.0, 5.0])
def test_igr_starts_at_even_sticks_in_the_middle(concentration):
    loc, _, _ = nearest_gaussian(concentration)
    offset, _ = start_of_sticks("igr-sb", concentration, 6)
    np.testing.assert_allclose(offset + loc, even_sticks(6), rtol=1e-6)


def kl_to_stick(loc, scale, concentration):
    """KL(N(loc, scale) || logit Beta(1, concentration)), by adaptive quadrature."""

    def integrand(y):
        log_p = np.log(concentration) - np.logaddexp(0, -y)
        log_p -= concentration * np.logaddexp(0, y)
        return norm.pdf(y, loc, scale) * (norm.logpdf(y, loc, scale) - log_p)

    return quad(integrand, loc - 12 * scale, loc + 12 * scale, epsabs=1e-12)[0]


@pytest.mark.parametrize("concentration", [0.5, 1.0, 5.0])
def test_no_gaussian_is_nearer_to_a_stick_of_the_prior(concentration):
    loc, scale, kl = nearest_gaussian(concentration)
    assert kl == pytest.approx(kl_to_stick(loc, scale, concentration), abs=1e-8)
    for d_loc, d_scale in [(0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)]:
        assert kl_to_stick(loc + d_loc, scale + d_scale, concentration) > kl
    assert kl < 0.05


CASES = np.array([(2, 3, 0.5), (0.3, 7, 5), (20, 4, 5), (1, 5, 5)], float)


@cache
def kl_of_kumaraswamy(a, b, d):
    """KL to Beta(1, d) in 40 digits, over s with u = (1 - e^(-s/b))^(1/a)."""
    with mp.workdps(40):
        a, b, d = map(mp.mpf, (a, b, d))

        def log_ratio(s):
            log_ua = mp.log(-mp.expm1(-s / b))
            log_q = mp.log(a * b) + (a - 1) / a * log_ua - (b - 1) / b * s
            log_p = mp.log(d) + (d - 1) * mp.log(-mp.expm1(log_ua / a))
            return (log_q - log_p) * mp.exp(-s)

        edges = [0, *(mp.mpf(10) ** k for k in range(-8, 1)), 3, 10, 40]
        return float(mp.quad(log_ratio, edges))


def test_the_kl_of_kumaraswamy_sticks_agrees_with_quadrature(backend):
    host = backend.igr.__name__.removesuffix("_igr")
    laws = importlib.import_module(f"examples.dp_mixture_vae.kumaraswamy_{host}")
    a, b, d = map(backend.array, CASES.T)
    found = backend.kl(laws.Kumaraswamy(a, b), laws.Beta(backend.array(1.0), d))
    expected = [kl_of_kumaraswamy(*case) for case in CASES]
    np.testing.assert_allclose(backend.numpy(found), expected, atol=1e-6)
    np.testing.assert_allclose(backend.numpy(found)[-1], 0, atol=1e-9)
