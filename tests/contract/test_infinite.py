"""InfiniteIGR: its rest, its tail, and the KL over the sticks that are given."""

import numpy as np
import oracle
import pytest
from scipy import stats

LOC, SCALE = np.array([0.3, -0.6, 0.9]), np.array([0.8, 1.1, 0.6])
PRIOR_LOC, PRIOR_SCALE = np.array([-0.2, 0.1]), np.array([1.1, 0.9])
ALPHA, TAIL_LOC, TAIL_SCALE, TAU = 3.0, 0.5, 1.2, 0.7


def infinite(backend, tail, loc=LOC, scale=SCALE, rho=0.99, tau=TAU):
    arrays = backend.array(loc), backend.array(scale)
    return backend.igr.InfiniteIGR(tau, *arrays, rho, tail=TAILS[tail](backend))


TAILS = {
    "default": lambda backend: None,
    "normal": lambda backend: backend.dist.Normal(
        backend.array(TAIL_LOC), backend.array(TAIL_SCALE)
    ),
    "gem": lambda backend: backend.igr.GEM(backend.array(ALPHA), 1),
}
MOMENTS = {"default": (0.0, 1.0), "normal": (TAIL_LOC, TAIL_SCALE)}
every_tail = pytest.mark.parametrize("tail", TAILS)


def test_at_rho_1_the_distribution_is_that_of_the_sticks(backend):
    law = infinite(backend, "default", rho=1.0)
    sticks = backend.igr.IGRStickBreaking(TAU, backend.array(LOC), backend.array(SCALE))
    value = backend.sample(law, 0, (5,))
    np.testing.assert_array_equal(
        backend.numpy(value), backend.numpy(backend.sample(sticks, 0, (5,)))
    )
    found = backend.numpy(law.log_prob(value))
    np.testing.assert_allclose(found, backend.numpy(sticks.log_prob(value)))
    np.testing.assert_allclose(backend.numpy(law.probs), backend.numpy(sticks.probs))


def test_no_temperature_is_a_temperature_of_one(backend):
    plain, unit = (infinite(backend, "default", tau=tau) for tau in (None, 1.0))
    found, expected = (backend.numpy(backend.sample(x, 0, (5,))) for x in (plain, unit))
    np.testing.assert_array_equal(found, expected)
    assert backend.numpy(backend.kl(plain, unit)) == 0


def test_the_density_integrates_to_the_probability_of_not_being_cut(backend):
    rho = 0.6
    law = infinite(backend, "default", LOC[:2], SCALE[:2], rho, tau=None)
    edges = np.linspace(0, 1, 401)
    middle = (edges[1:] + edges[:-1]) / 2
    z_1, z_2 = np.meshgrid(middle, middle)
    inside = z_1 + z_2 < 1
    z = np.stack([z_1[inside], z_2[inside], (1 - z_1 - z_2)[inside]], -1)
    total = np.exp(backend.numpy(law.log_prob(backend.array(z)))).sum() / 400**2
    first_is_short = stats.norm.cdf((np.log(rho / (1 - rho)) - LOC[0]) / SCALE[0])
    np.testing.assert_allclose(total, first_is_short, atol=5e-3)
    cut = backend.numpy(backend.sample(law, 0, (50,)))
    cut = cut[cut[:, 1] == 0]
    assert len(cut) > 5
    assert (backend.numpy(law.log_prob(backend.array(cut))) == -np.inf).all()


def test_the_overflow_rate_is_the_probability_that_rho_is_not_exceeded(backend):
    law = infinite(backend, "default", np.zeros(3), np.ones(3), 0.9, tau=None)
    found = backend.numpy(law.overflows(backend.sample(law, 0, (20_000,))))
    y = np.random.default_rng(0).normal(size=(200_000, 3))
    expected = (np.logaddexp(0, y).sum(-1) <= np.log(10)).mean()
    assert abs(found.mean() - expected) < 4.5 * np.sqrt(expected / len(found))


@every_tail
def test_breaking_the_rest_draws_sticks_of_the_tail(backend, tail):
    law = infinite(backend, tail, LOC[:1], SCALE[:1], 1.0)
    value = backend.sample(law, 0, (20_000,))
    broken = backend.numpy(backend.break_rest(law, 1, value, 2))
    value = backend.numpy(value)
    assert broken.shape == (20_000, 4)
    np.testing.assert_array_equal(broken[:, 0], value[:, 0])
    np.testing.assert_allclose(broken[:, 1:].sum(-1), value[:, 1], rtol=1e-12)
    for k in (1, 2):
        stick = broken[:, k] / broken[:, k:].sum(-1)
        if tail == "gem":
            cdf = stats.beta(1, ALPHA).cdf(stick)
        else:
            loc, scale = MOMENTS[tail]
            cdf = stats.norm(loc, scale).cdf(TAU * np.log(stick / (1 - stick)))
        assert stats.kstest(cdf, "uniform").pvalue > 1e-3


def test_only_a_value_that_overflows_is_broken(backend):
    law = infinite(backend, "default", LOC, SCALE, 0.9)
    value = backend.sample(law, 0, (1000,))
    overflows = backend.numpy(law.overflows(value))
    broken = backend.numpy(backend.break_rest(law, 1, value, 40))
    value = backend.numpy(value)
    assert 10 < overflows.sum() < 990
    np.testing.assert_allclose(broken.sum(-1), 1)
    assert (broken[overflows, 3] > 0).all()
    assert (broken[~overflows, 3:-1] == 0).all()
    np.testing.assert_allclose(broken[~overflows, -1], value[~overflows, -1])
    assert (broken[:, -1] < 0.1).all()


@every_tail
def test_breaking_the_rest_has_the_gradients_of_finite_differences(backend, tail):
    def last(loc):
        law = backend.igr.InfiniteIGR(
            TAU, loc, backend.array(SCALE), 1.0, tail=TAILS[tail](backend)
        )
        return backend.break_rest(law, 1, backend.sample(law, 0), 3)[..., -1:]

    (gradient,) = backend.grad(last, backend.array(LOC))
    for k in range(3):
        shift = 1e-6 * np.eye(3)[k]
        ends = [backend.numpy(last(backend.array(LOC + s * shift))) for s in (1, -1)]
        expected = (ends[0] - ends[1])[0] / 2e-6
        np.testing.assert_allclose(backend.numpy(gradient)[k], expected, rtol=1e-5)


def given(backend, tail, num_tail_sticks):
    """Three given sticks and then such as have the distribution of a Normal tail."""
    loc, scale = MOMENTS[tail]
    extended = [
        np.append(x, np.full(num_tail_sticks, y))
        for x, y in ((LOC, loc), (SCALE, scale))
    ]
    return infinite(backend, tail, *extended)


@pytest.mark.parametrize("tail", MOMENTS)
def test_the_kl_does_not_depend_on_the_capacity(backend, tail):
    p = infinite(backend, tail, PRIOR_LOC, PRIOR_SCALE)
    kls = [backend.numpy(backend.kl(given(backend, tail, m), p)) for m in (0, 1, 20)]
    np.testing.assert_allclose(kls, kls[0], rtol=1e-14)
    q = infinite(backend, tail, PRIOR_LOC, PRIOR_SCALE)
    kls = [backend.numpy(backend.kl(q, given(backend, tail, m))) for m in (0, 1, 20)]
    np.testing.assert_allclose(kls, kls[0], rtol=1e-14)
    same = backend.kl(given(backend, tail, 0), given(backend, tail, 9))
    assert abs(backend.numpy(same)) < 1e-15


@pytest.mark.parametrize("tail", MOMENTS)
def test_the_kl_is_that_of_the_gaussians_of_all_sticks_given_to_either(backend, tail):
    q, p = infinite(backend, tail), infinite(backend, tail, PRIOR_LOC, PRIOR_SCALE)
    loc, scale = (
        np.append(x, y)
        for x, y in zip((PRIOR_LOC, PRIOR_SCALE), MOMENTS[tail], strict=True)
    )

    def log_normal(loc, scale):
        return lambda y: oracle.log_normal(y, loc, scale)

    laws = log_normal(LOC, SCALE), log_normal(loc, scale)
    expected = oracle.kl_by_quadrature(*laws, LOC, SCALE, 4)
    np.testing.assert_allclose(backend.numpy(backend.kl(q, p)), expected)


def test_the_kl_to_a_gem_is_that_of_the_given_sticks(backend):
    q = infinite(backend, "gem")
    gem = [backend.igr.GEM(backend.array(ALPHA), n) for n in (1, 3, 9)]
    kls = [backend.numpy(backend.kl(q, p)) for p in gem]
    x, w = np.polynomial.hermite_e.hermegauss(90)
    y = (LOC[:, None] + SCALE[:, None] * x) / TAU
    log_p = np.log(ALPHA) + y - (1 + ALPHA) * np.logaddexp(0, y)
    entropy = stats.norm(LOC, SCALE / TAU).entropy().sum()
    expected = -entropy - (log_p @ w).sum() / w.sum()
    np.testing.assert_allclose(kls, expected, rtol=1e-10)
    sticks = backend.igr.IGRStickBreaking(TAU, backend.array(LOC), backend.array(SCALE))
    kls = [backend.numpy(backend.kl(sticks, p)) for p in gem]
    np.testing.assert_allclose(kls, expected, rtol=1e-10)


def test_a_gem_tail_meets_the_gaussian_sticks_of_the_other_distribution(backend):
    short, long = infinite(backend, "gem", LOC[:1], SCALE[:1]), infinite(backend, "gem")
    gem = TAILS["gem"](backend)
    only_long = infinite(backend, "gem", LOC[1:], SCALE[1:])
    found = backend.numpy(backend.kl(long, short))
    expected = backend.numpy(backend.kl(only_long, gem))
    np.testing.assert_allclose(found, expected)
    logits = backend.dist.Normal(backend.array(LOC / TAU), backend.array(SCALE / TAU))
    found = backend.numpy(backend.kl(short, long))
    expected = backend.numpy(backend.kl(gem.stick(), logits))[1:].sum()
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("rhos", [(0.5, 1.0), (1.0, 0.5), (0.9, 0.99)])
def test_the_kl_is_of_the_sticks_before_any_truncation(backend, rhos):
    scale = backend.array(SCALE)
    q, p = (
        backend.igr.InfiniteIGR(TAU, backend.array(loc), scale, rho)
        for loc, rho in zip((LOC, 0 * LOC), rhos, strict=True)
    )
    expected = (LOC**2 / SCALE**2 / 2).sum()
    np.testing.assert_allclose(backend.numpy(backend.kl(q, p)), expected)


def test_a_gem_tail_has_a_kl_across_temperatures(backend):
    cold, warm = (infinite(backend, "gem", tau=tau) for tau in (0.5, 1.0))
    found = backend.numpy(backend.kl(cold, warm))
    gaussians = stats.norm(2 * LOC, 2 * SCALE), stats.norm(LOC, SCALE)
    expected = oracle.kl_by_quadrature(
        lambda y: gaussians[0].logpdf(y).sum(-1),
        lambda y: gaussians[1].logpdf(y).sum(-1),
        2 * LOC,
        2 * SCALE,
        4,
    )
    np.testing.assert_allclose(found, expected)


MISMATCHES = {
    "another_normal": ("default", "normal", TAU),
    "normal_and_gem": ("normal", "gem", TAU),
    "gem_and_default": ("gem", "default", TAU),
    "temperatures": ("normal", "normal", 0.9),
}


@pytest.mark.parametrize(("q", "p", "tau"), MISMATCHES.values(), ids=MISMATCHES)
def test_distributions_with_different_tails_have_no_kl(backend, q, p, tau):
    with pytest.raises(NotImplementedError, match="different tails"):
        backend.kl(infinite(backend, q), infinite(backend, p, tau=tau))


@pytest.mark.parametrize("tail", ["default", "gem"])
def test_a_gem_that_is_not_the_tail_has_no_kl(backend, tail):
    with pytest.raises(NotImplementedError, match="unless it is the tail"):
        backend.kl(infinite(backend, tail), backend.igr.GEM(ALPHA + 1, 3))


def test_a_gem_has_no_kl_from_another_tempering(backend):
    arrays = backend.array(LOC), backend.array(SCALE)
    law = backend.igr.IGRStickBreaking(1.0, *arrays, tempering="weights")
    with pytest.raises(NotImplementedError, match='tempering "weights" to a GEM'):
        backend.kl(law, backend.igr.GEM(1.0, 3))


def test_a_standard_normal_tail_is_the_default(backend):
    explicit = backend.igr.InfiniteIGR(
        TAU,
        backend.array(LOC),
        backend.array(SCALE),
        tail=backend.dist.Normal(0.0, 1.0),
    )
    assert backend.numpy(backend.kl(explicit, infinite(backend, "default"))) == 0


def test_a_tail_is_a_distribution_of_sticks(backend):
    arrays = backend.array(LOC), backend.array(SCALE)
    with pytest.raises(ValueError, match="expected tail to be .* got IGR"):
        backend.igr.InfiniteIGR(1.0, *arrays, tail=backend.igr.IGR(1.0, *arrays))


def test_the_tail_may_have_a_batch(backend):
    tail = backend.igr.GEM(backend.array([1.0, 2.0]), 1)
    arrays = backend.array(LOC), backend.array(SCALE)
    law = backend.igr.InfiniteIGR(None, *arrays, tail=tail)
    assert tuple(law.batch_shape) == (2,)
    kl = backend.numpy(backend.kl(law, tail))
    for k, alpha in enumerate((1.0, 2.0)):
        tail = backend.igr.GEM(backend.array(alpha), 1)
        one = backend.igr.InfiniteIGR(None, *arrays, tail=tail)
        np.testing.assert_allclose(kl[k], backend.numpy(backend.kl(one, tail)))
    assert backend.sample(law, 0, (5,)).shape == (5, 2, 4)
