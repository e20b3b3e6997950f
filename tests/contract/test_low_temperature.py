"""float32 at temperature 0.01 and up to 1000 categories."""

import numpy as np
import oracle
import pytest
from cases import LAWS

COLD = 0.01
REACHING_THE_BOUNDARY = [
    name for name in LAWS if name not in ("exp_igr", "stick_breaking_vertex")
]


def parameters(backend, k, dtype="float32"):
    rng = np.random.default_rng(k)
    loc, scale = rng.normal(size=(20, k - 1)), rng.uniform(0.3, 2, size=(20, k - 1))
    return backend.array(loc, dtype), backend.array(scale, dtype)


@pytest.mark.parametrize("k", [2, 10, 1000])
@pytest.mark.parametrize("name", LAWS)
def test_samples_and_their_gradients_are_finite(backend, name, k):
    loc, scale = parameters(backend, k)
    noise = backend.array(np.random.default_rng(0).normal(size=loc.shape), "float32")
    weights = backend.array(np.random.default_rng(1).normal(size=k), "float32")

    def objective(loc, scale, tau):
        (transform,) = LAWS[name](backend.igr, tau, loc, scale).transforms
        return (transform(loc + scale * noise) * weights).sum(-1)

    tau = backend.array(COLD, "float32")
    z = backend.sample(LAWS[name](backend.igr, COLD, loc, scale), 0, (5,))
    assert np.isfinite(backend.numpy(z)).all()
    assert backend.numpy(z).dtype == np.float32
    for gradient in backend.grad(objective, loc, scale, tau):
        assert np.isfinite(backend.numpy(gradient)).all()


@pytest.mark.parametrize("k", [2, 10, 1000])
@pytest.mark.parametrize("name", LAWS)
def test_the_kl_and_its_gradients_are_finite_and_exact(backend, name, k):
    def kl(loc, scale):
        zeros, ones = backend.detach(loc) * 0, backend.detach(scale) * 0 + 1
        q = LAWS[name](backend.igr, COLD, loc, scale)
        return backend.kl(q, LAWS[name](backend.igr, COLD, zeros, ones))

    loc, scale = parameters(backend, k)
    exact = 0.5 * (np.square(backend.numpy(loc), dtype=np.float64) - 1).sum(-1)
    s = backend.numpy(scale).astype(np.float64)
    exact += (0.5 * s**2 - np.log(s)).sum(-1)
    np.testing.assert_allclose(backend.numpy(kl(loc, scale)), exact, rtol=1e-4)
    for gradient in backend.grad(kl, loc, scale):
        assert np.isfinite(backend.numpy(gradient)).all()


@pytest.mark.parametrize("k", [2, 10, 1000])
def test_exp_igr_scores_its_samples_to_1e_minus_4(backend, k):
    loc, wide = parameters(backend, k)
    for scale, atol in (wide, 0), (0 * wide + 0.00242, 0.01):  # the second is near 0
        law = backend.igr.ExpIGR(COLD, loc, scale)
        log_z = backend.sample(law, 0, (5,))
        values = (backend.numpy(x).astype(np.float64) for x in (log_z, loc, scale))
        log_z_exact, *gaussian = values
        exact = oracle.log_exp_igr(log_z_exact, COLD, *gaussian)
        found = backend.numpy(law.log_prob(log_z))
        np.testing.assert_allclose(found, exact, rtol=1e-4, atol=atol)


@pytest.mark.parametrize("k", [2, 10, 1000])
def test_the_gradients_of_exp_igr_are_finite(backend, k):
    loc, scale = parameters(backend, k)
    log_z = backend.detach(backend.sample(backend.igr.ExpIGR(COLD, loc, scale), 0))

    def log_prob(loc, scale, tau):
        return backend.igr.ExpIGR(tau, loc, scale).log_prob(log_z)

    tau = backend.array(COLD, "float32")
    for gradient in backend.grad(log_prob, loc, scale, tau):
        assert np.isfinite(backend.numpy(gradient)).all()


@pytest.mark.parametrize("name", REACHING_THE_BOUNDARY)
def test_a_value_that_underflowed_is_never_given_a_finite_density(backend, name):
    loc, scale = parameters(backend, 10)
    law = LAWS[name](backend.igr, COLD / 5, loc, scale)
    z = backend.sample(law, 0, (50,))
    underflowed = (backend.numpy(z) == 0).any(-1)
    log_prob = backend.numpy(law.log_prob(z))
    assert underflowed.any()
    assert (log_prob[underflowed] == -np.inf).all()
    assert not np.isnan(log_prob).any()
