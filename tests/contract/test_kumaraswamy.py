"""The KL of Kumaraswamy to Beta is exact, in the host's registry and engines."""

from functools import cache

import numpy as np
import pytest
from mpmath import mp

CASES = np.array(
    [
        (2, 3, 1, 0.5),
        (0.3, 7, 1, 5),
        (20, 4, 1, 5),
        (1, 5, 1, 5),
        (0.05, 0.05, 50, 50),
        (0.05, 50, 0.05, 50),
        (50, 0.05, 50, 0.05),
        (50, 50, 0.05, 0.05),
        (7, 50, 50, 50),
        (0.3, 7, 0.05, 50),
    ],
    float,
)


@cache
def kl_of_kumaraswamy(a, b, c, d):
    """KL to Beta(c, d) in 30 digits, over x = log s with u = (1 - e^(-s/b))^(1/a)."""
    with mp.workdps(30):
        a, b, c, d = map(mp.mpf, (a, b, c, d))
        log_beta = mp.loggamma(c) + mp.loggamma(d) - mp.loggamma(c + d)

        def log_complement(log_x):
            if log_x < -1:
                return mp.log1p(-mp.exp(log_x))
            return mp.log(-mp.expm1(log_x))

        def integrand(x):
            s = mp.exp(x)
            log_u = log_complement(-s / b) / a
            log_q = mp.log(a * b) + (a - 1) * log_u - (b - 1) / b * s
            log_p = (c - 1) * log_u + (d - 1) * log_complement(log_u) - log_beta
            return (log_q - log_p) * s * mp.exp(-s)

        edges = [-60, -40, -20, -10, -5, -2, 0, 1, 2, 3, 4, 5]
        return float(mp.quad(integrand, edges))


def expected():
    return [kl_of_kumaraswamy(*case) for case in CASES]


def kls_of(backend, cases):
    a, b, c, d = cases
    return backend.kl(backend.igr.Kumaraswamy(a, b), backend.dist.Beta(c, d))


def test_the_kl_of_kumaraswamy_to_beta_agrees_with_quadrature(backend):
    found = backend.numpy(kls_of(backend, backend.array(CASES.T)))
    np.testing.assert_allclose(found, expected(), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found[3], 0, atol=1e-12)


def test_the_kl_and_its_gradient_hold_in_single_precision(backend):
    cases = backend.array(CASES.T, "float32")
    found = backend.numpy(kls_of(backend, cases))
    np.testing.assert_allclose(found, expected(), rtol=2e-5, atol=2e-5)
    (gradient,) = backend.grad(lambda cases: kls_of(backend, cases), cases)
    assert np.isfinite(backend.numpy(gradient)).all()


def test_the_kl_reaches_through_event_dimensions_and_expansion(backend):
    a, b, c, d = backend.array(CASES.T)
    q = backend.igr.Kumaraswamy(a, b).expand((2, len(CASES))).to_event(1)
    p = backend.dist.Beta(c, d).expand((2, len(CASES))).to_event(1)
    found = backend.numpy(backend.kl(q, p))
    np.testing.assert_allclose(found, [sum(expected())] * 2, rtol=1e-10)


def test_a_parameter_that_is_not_positive_is_refused(backend):
    with pytest.raises(ValueError, match="concentration1"):
        backend.igr.Kumaraswamy(backend.array(-1.0), backend.array(1.0))
