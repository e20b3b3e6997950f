"""Sticks start even or at the prior; the KL of Kumaraswamy sticks is exact."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from examples.dp_mixture_vae.components import (
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
