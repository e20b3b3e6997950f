"""GEM, the stick-breaking prior, and the distributions of its sticks."""

import itertools

import mpmath as mp
import numpy as np
import pytest
from scipy import integrate, stats

ALPHAS = [0.3, 1.0, 5.0]


def log_density(z, alpha):
    """Of Beta(1, alpha) sticks, by change of variables from sticks to weights."""
    left = 1 - np.concatenate([[0], np.cumsum(z[:-2])])
    return (stats.beta(1, alpha).logpdf(z[:-1] / left) - np.log(left)).sum()


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_density_agrees_with_a_change_of_variables(backend, alpha):
    z = np.random.default_rng(0).dirichlet([2, 1, 1, 2], 5)
    law = backend.igr.GEM(backend.array(alpha), 3)
    found = backend.numpy(law.log_prob(backend.array(z)))
    np.testing.assert_allclose(found, [log_density(x, alpha) for x in z], rtol=1e-10)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_density_integrates_to_one(backend, alpha):
    nodes, weights = np.polynomial.legendre.leggauss(60)
    u, w = nodes / 2 + 0.5, weights / 2
    u, w = u[:, None] ** 3, w[:, None] * 3 * u[:, None] ** 2  # flattens both ends
    u_1, u_2, w = 1 - u, 1 - u.T, w * w.T
    z = np.stack([u_1 + 0 * u_2, (1 - u_1) * u_2, (1 - u_1) * (1 - u_2)], -1)
    law = backend.igr.GEM(backend.array(alpha), 2)
    density = np.exp(backend.numpy(law.log_prob(backend.array(z))))
    total = (w * density * (1 - u_1)).sum()
    np.testing.assert_allclose(total, 1, atol=1e-4)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_samples_have_beta_sticks_and_the_mean_weights(backend, alpha):
    law = backend.igr.GEM(backend.array(alpha), 3)
    z = backend.numpy(backend.sample(law, 0, (50_000,)))
    error = 4.5 * z.std(0) / np.sqrt(len(z))
    probs = backend.numpy(law.probs)
    assert (np.abs(z.mean(0) - probs) < error).all()
    np.testing.assert_allclose(probs.sum(), 1)
    np.testing.assert_allclose(probs[1], alpha / (1 + alpha) ** 2)
    for stick in (z[:, 0], z[:, 1] / z[:, 1:].sum(-1)):
        assert stats.kstest(stick, stats.beta(1, alpha).cdf).pvalue > 1e-3


def test_samples_are_reparametrized_by_the_concentration(backend):
    def first_weight(alpha):
        return backend.sample(backend.igr.GEM(alpha, 3), 0, (1000,))[..., 0].mean()

    alpha = backend.array(2.0)
    (gradient,) = backend.grad(first_weight, alpha)
    step = 1e-6
    ends = [first_weight(backend.array(2.0 + s * step)) for s in (1, -1)]
    expected = (backend.numpy(ends[0]) - backend.numpy(ends[1])) / (2 * step)
    np.testing.assert_allclose(backend.numpy(gradient), expected, rtol=1e-6)


def test_a_value_on_the_boundary_is_never_given_a_finite_density(backend):
    z = backend.array([[0.5, 0.0, 0.5], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    log_prob = backend.numpy(backend.igr.GEM(1.0, 2).log_prob(z))
    assert (log_prob[:2] == -np.inf).all()
    assert np.isfinite(log_prob[2])


def test_a_gem_without_sticks_is_an_error(backend):
    with pytest.raises(ValueError, match="expected num_sticks to be positive, got 0"):
        backend.igr.GEM(1.0, 0)


def stick(backend, alpha):
    return backend.igr.GEM(backend.array(alpha), 1).stick()


def mean_over_logits(alpha, fn):
    """E fn(y) for the logit y of a stick, by adaptive quadrature."""

    def integrand(y):
        log_p = np.log(alpha) + y - (1 + alpha) * np.logaddexp(0, y)
        return np.exp(log_p) * fn(y, log_p)

    pieces = itertools.pairwise([-60, -5, 0, 5, 30, 120])
    precise = {"epsabs": 1e-14, "epsrel": 1e-12}
    return sum(integrate.quad(integrand, *ends, **precise)[0] for ends in pieces)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_logit_of_a_stick_has_the_moments_of_a_logit_of_beta(backend, alpha):
    law = stick(backend, alpha)
    mean = mean_over_logits(alpha, lambda y, _: y)
    variance = mean_over_logits(alpha, lambda y, _: (y - mean) ** 2)
    np.testing.assert_allclose(backend.numpy(law.mean), [mean], atol=1e-11)
    np.testing.assert_allclose(backend.numpy(law.variance), [variance], rtol=1e-11)


def softplus_mean(loc, scale):
    """In 30 digits: the softplus against the normal density, split at the bend."""
    with mp.workdps(30):
        bend = -mp.mpf(loc) / scale
        inside = [bend] if abs(bend) < 12 else []
        edges = sorted([mp.mpf(-12), mp.mpf(-3), mp.mpf(3), mp.mpf(12), *inside])
        return mp.quad(lambda x: mp.log1p(mp.exp(loc + scale * x)) * mp.npdf(x), edges)


@pytest.mark.parametrize("scale", [0.05, 0.5, 0.99, 1.01, 3.0, 30.0, 100.0])
@pytest.mark.parametrize("loc", [-20.0, -1.0, 0.3, 5.0])
def test_the_kl_of_a_gaussian_stick_agrees_with_mpmath_to_1e_minus_10(
    backend, loc, scale
):
    softplus = softplus_mean(loc, scale)
    for alpha in ALPHAS:
        negative_entropy = -mp.log(mp.sqrt(2 * mp.pi * mp.e) * scale)
        exact = negative_entropy - mp.log(alpha) - loc + (1 + alpha) * softplus
        p = backend.igr.GEM(backend.array(alpha), 1)
        stick = backend.array([loc]), backend.array([scale])
        q = backend.igr.InfiniteIGR(None, *stick, tail=p)
        found = backend.numpy(backend.kl(q, p))
        assert abs(found - float(exact)) < 1e-10 * (1 + float(exact))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_kl_to_a_gaussian_stick_agrees_with_quadrature_to_1e_minus_10(
    backend, alpha
):
    log_normal = stats.norm(0.4, 0.7).logpdf
    expected = mean_over_logits(alpha, lambda y, log_q: log_q - log_normal(y))
    law = stick(backend, alpha)
    found = backend.kl(law, backend.dist.Normal(backend.array(0.4), backend.array(0.7)))
    assert abs(backend.numpy(found) - expected) < 1e-10 * (1 + expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kl_and_its_gradients_are_finite_at_any_scale(backend, dtype):
    loc = backend.array(np.array([-50.0, 0.0, 3.0, 50.0, 0.0]), dtype)
    scale = backend.array(np.array([1e-4, 1e-4, 1.0, 100.0, 1e3]), dtype)
    alpha = backend.array(2.0, dtype)

    def kl(loc, scale, alpha):
        gem = backend.igr.GEM(alpha, 5)
        return backend.kl(backend.igr.InfiniteIGR(None, loc, scale, tail=gem), gem)

    assert np.isfinite(backend.numpy(kl(loc, scale, alpha)))
    for gradient in backend.grad(kl, loc, scale, alpha):
        assert np.isfinite(backend.numpy(gradient)).all()
