"""Further sticks of a Dirichlet process start at the Gaussian of the least KL."""

import mpmath as mp
import numpy as np
import pytest

ALPHAS = np.array([1e-2, 0.03, 0.1, 0.5, 1.0, 2.0, 5.0, 20.0, 100.0, 1e3])


def start(backend, alpha, temperature=None, dtype="float64"):
    zero = backend.array([0.0], dtype)
    gem = backend.igr.GEM(backend.array(alpha, dtype), 1)
    law = backend.igr.InfiniteIGR(temperature, zero, zero + 1, tail=gem)
    return [backend.numpy(x)[..., 0] for x in backend.igr.tail_start(law, 1)]


def mean(fn, loc, scale):
    """Over the Gaussian, by mpmath, split at the bend of a sigmoid."""
    bend = -mp.mpf(float(loc)) / float(scale)
    edges = sorted({-12, bend - 3, bend, bend + 3, 12})
    edges = [x for x in edges if abs(x) <= 12]
    return mp.quad(lambda x: fn(float(loc) + float(scale) * x) * mp.npdf(x), edges)


def sigmoid(y):
    return 1 / (1 + mp.exp(-y))


def kl(loc, scale, alpha):
    """By mpmath, of a Gaussian to the logit of Beta(1, alpha)."""
    softplus = mean(lambda y: mp.log1p(mp.exp(y)), loc, scale)
    negative_entropy = -mp.log(mp.sqrt(2 * mp.pi * mp.e) * float(scale))
    return negative_entropy - mp.log(alpha) - float(loc) + (1 + alpha) * softplus


def test_it_solves_the_equations_of_the_minimum(backend):
    """Of a convex function, and so of the only one."""
    for alpha, loc, scale in zip(ALPHAS, *start(backend, ALPHAS), strict=True):
        with mp.workdps(20):
            rising = (1 + alpha) * mean(sigmoid, loc, scale)
            slope = mean(lambda y: sigmoid(y) * sigmoid(-y), loc, scale)
            curved = (1 + alpha) * float(scale) ** 2 * slope
        assert float(rising) == pytest.approx(1, abs=1e-9)
        assert float(curved) == pytest.approx(1, abs=1e-9)


def test_it_loses_less_than_the_moments(backend):
    loc, scale = start(backend, np.array(20.0))
    moments = float(mp.digamma(1) - mp.digamma(20)), mp.sqrt(mp.zeta(2) + mp.psi(1, 20))
    assert float(kl(loc, scale, 20)) == pytest.approx(0.0663, abs=1e-4)
    assert float(kl(*moments, 20)) == pytest.approx(0.1211, abs=1e-4)


@pytest.mark.parametrize(("alpha", "lost"), [(0.1, 0.22), (1.0, 0.010), (1e3, 0.081)])
def test_what_a_stick_loses_is_as_documented(backend, alpha, lost):
    loc, scale = start(backend, np.array(alpha))
    assert float(kl(loc, scale, alpha)) == pytest.approx(lost, rel=0.06)


def test_it_is_in_the_coordinates_of_the_distribution_and_of_its_precision(backend):
    logits = start(backend, ALPHAS)
    tempered = start(backend, ALPHAS, backend.array(0.25))
    np.testing.assert_allclose(tempered, 0.25 * np.array(logits))
    single = start(backend, ALPHAS, dtype="float32")
    assert all(x.dtype == np.float32 for x in single)
    np.testing.assert_allclose(single, logits, rtol=2e-4, atol=1e-5)


def test_it_follows_the_concentration(backend):
    def both(alpha):
        gem = backend.igr.GEM(alpha, 1)
        loc = backend.array(np.zeros((len(ALPHAS), 1)))
        law = backend.igr.InfiniteIGR(None, loc, loc + 1, tail=gem)
        loc, scale = backend.igr.tail_start(law, 1)
        return loc[..., 0] / 3 + scale[..., 0]

    (found,) = backend.grad(both, backend.array(ALPHAS))
    ends = [start(backend, ALPHAS * (1 + step)) for step in (1e-5, -1e-5)]
    above, below = (loc / 3 + scale for loc, scale in ends)
    expected = (above - below) / (2e-5 * ALPHAS)
    np.testing.assert_allclose(backend.numpy(found), expected, rtol=1e-5, atol=1e-9)
