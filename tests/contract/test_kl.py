"""The closed-form KL of every pair that has one, and the refusals."""

import numpy as np
import oracle
import pytest
from cases import LAWS, TEMPERINGS, WITH_KL_ACROSS_TEMPERATURES

LOC, SCALE = np.array([0.3, -0.8]), np.array([0.7, 1.2])
PRIOR_LOC, PRIOR_SCALE = np.array([-0.2, 0.1]), np.array([1.1, 0.9])


def pair(backend, name, tau_q, tau_p):
    array = backend.array
    q = LAWS[name](backend.igr, tau_q, array(LOC), array(SCALE))
    p = LAWS[name](backend.igr, tau_p, array(PRIOR_LOC), array(PRIOR_SCALE))
    return q, p


def quadrature(backend, name, q, p):
    """E_q log q - log p with the distributions' own densities at z = g(y)."""
    straight = backend.igr.IGR if name == "straight_through" else None
    if straight:
        q = straight(q.temperature, q.loc, q.scale)
        p = straight(p.temperature, p.loc, p.scale)
    (transform,) = q.transforms

    def log_density(law):
        return lambda y: backend.numpy(law.log_prob(transform(backend.array(y))))

    return oracle.kl_by_quadrature(log_density(q), log_density(p), LOC, SCALE, 24)


@pytest.mark.parametrize("name", LAWS)
def test_the_kl_at_equal_temperatures_agrees_with_quadrature(backend, name):
    q, p = pair(backend, name, 0.8, 0.8)
    expected = quadrature(backend, name, q, p)
    np.testing.assert_allclose(backend.numpy(backend.kl(q, p)), expected, atol=1e-8)


@pytest.mark.parametrize("name", WITH_KL_ACROSS_TEMPERATURES)
def test_the_kl_across_temperatures_agrees_with_quadrature(backend, name):
    q, p = pair(backend, name, 0.9, 0.6)
    expected = quadrature(backend, name, q, p)
    np.testing.assert_allclose(backend.numpy(backend.kl(q, p)), expected, atol=1e-8)


def test_the_kl_across_deltas_agrees_with_quadrature(backend):
    array = backend.array
    q = backend.igr.IGR(0.9, array(LOC), array(SCALE), 0.5)
    p = backend.igr.IGR(0.6, array(PRIOR_LOC), array(PRIOR_SCALE), 2.0)
    expected = quadrature(backend, "igr", q, p)
    np.testing.assert_allclose(backend.numpy(backend.kl(q, p)), expected, atol=1e-8)


@pytest.mark.parametrize("name", LAWS)
def test_the_kl_of_a_distribution_from_itself_is_zero(backend, name):
    q, _ = pair(backend, name, 0.5, 0.5)
    np.testing.assert_allclose(backend.numpy(backend.kl(q, q)), 0, atol=1e-14)


@pytest.mark.parametrize("name", LAWS)
def test_the_kl_broadcasts_over_batches(backend, name):
    loc = np.random.default_rng(0).normal(size=(3, 1, 2))
    q = LAWS[name](backend.igr, 0.5, backend.array(loc), backend.array(SCALE))
    prior_loc = np.random.default_rng(1).normal(size=(4, 2))
    scale = backend.array(PRIOR_SCALE)
    p = LAWS[name](backend.igr, 0.5, backend.array(prior_loc), scale)
    together = backend.numpy(backend.kl(q, p))
    assert together.shape == (3, 4)
    q_2 = LAWS[name](backend.igr, 0.5, backend.array(loc[2, 0]), backend.array(SCALE))
    p_1 = LAWS[name](backend.igr, 0.5, backend.array(prior_loc[1]), scale)
    np.testing.assert_allclose(together[2, 1], backend.numpy(backend.kl(q_2, p_1)))


def test_straight_through_and_relaxed_distributions_share_their_kl(backend):
    q, _ = pair(backend, "straight_through", 0.5, 0.5)
    _, p = pair(backend, "igr", 0.5, 0.7)
    relaxed, _ = pair(backend, "igr", 0.5, 0.5)
    expected = backend.numpy(backend.kl(relaxed, p))
    np.testing.assert_allclose(backend.numpy(backend.kl(q, p)), expected)


@pytest.mark.parametrize("tempering", [t for t in TEMPERINGS if t != "sticks"])
def test_no_closed_form_across_temperatures_where_the_map_is_not_affine(
    backend, tempering
):
    q, p = pair(backend, f"stick_breaking_{tempering}", 0.5, 0.7)
    with pytest.raises(NotImplementedError, match="same temperature"):
        backend.kl(q, p)


@pytest.mark.parametrize("tempering", [t for t in TEMPERINGS if t != "sticks"])
def test_equal_temperatures_are_recognised_by_value_and_by_identity(backend, tempering):
    name = f"stick_breaking_{tempering}"
    shared = backend.array(0.5)
    by_value = backend.kl(*pair(backend, name, backend.array(0.5), 0.5))
    by_identity = backend.kl(*pair(backend, name, shared, shared))
    np.testing.assert_allclose(backend.numpy(by_value), backend.numpy(by_identity))


PAIRS_WITHOUT_KL = {
    "two temperings": ("stick_breaking_sticks", "stick_breaking_weights"),
    "softmax++ and sticks": ("igr", "stick_breaking_sticks"),
    "z and log z": ("igr", "exp_igr"),
    "log z and z": ("exp_igr", "igr"),
}


@pytest.mark.parametrize("names", PAIRS_WITHOUT_KL.values(), ids=PAIRS_WITHOUT_KL)
def test_a_pair_without_a_closed_form_is_not_implemented(backend, names):
    (q, _), (_, p) = (pair(backend, name, 0.5, 0.5) for name in names)
    with pytest.raises(NotImplementedError, match="give model and guide the same"):
        backend.kl(q, p)


def test_between_families_it_is_that_of_densities_at_the_same_values(backend):
    """Of two categories both families are logit-normal, of log z_1 - log z_2."""
    loc, scale, igr = backend.array([0.3]), backend.array([0.7]), backend.igr
    q, p = igr.IGR(0.5, loc, scale), igr.IGRStickBreaking(0.8, -loc, 2 * scale)
    with pytest.raises(NotImplementedError, match="if both have a density at the same"):
        backend.kl(q, p)
    z = backend.sample(q, 0, (4000,))
    terms = backend.numpy(q.log_prob(z) - p.log_prob(z))
    exact = backend.numpy(backend.kl(q, igr.IGR(0.8, -loc, 2 * scale)))
    assert abs(terms.mean() - exact) < 4 * terms.std() / len(terms) ** 0.5


def test_distributions_over_different_numbers_of_categories_are_an_error(backend):
    one = backend.array([1.0])
    q = backend.igr.IGR(0.5, backend.array(LOC), backend.array(SCALE))
    with pytest.raises(ValueError, match="number of categories, got 3 and 2"):
        backend.kl(q, backend.igr.IGR(0.5, one, one))


@pytest.mark.parametrize("name", LAWS)
def test_the_gradient_of_the_kl_is_that_of_the_gaussians(backend, name):
    def closed_form(loc, scale):
        q = LAWS[name](backend.igr, 0.5, loc, scale)
        p = LAWS[name](
            backend.igr, 0.5, backend.array(PRIOR_LOC), backend.array(PRIOR_SCALE)
        )
        return backend.kl(q, p)

    d_loc, d_scale = backend.grad(closed_form, backend.array(LOC), backend.array(SCALE))
    variance = PRIOR_SCALE**2
    np.testing.assert_allclose(backend.numpy(d_loc), (LOC - PRIOR_LOC) / variance)
    expected = SCALE / variance - 1 / SCALE
    np.testing.assert_allclose(backend.numpy(d_scale), expected)
