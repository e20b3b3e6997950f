"""The recovered discrete distributions, and those matched to given probabilities."""

from functools import cache

import numpy as np
import oracle
import pytest
from cases import BY_LARGEST_WEIGHT, LAWS, WITH_PROBS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import log_expit, log_ndtr, ndtri_exp

RULES = {"argmax": "argmax_probs", "stick": "stick_probs"}


def gaussians(seed, k, low=0.3, high=1.5):
    rng = np.random.default_rng(seed)
    scale = np.exp(rng.uniform(np.log(low), np.log(high), k - 1))
    return 2 * rng.normal(size=k - 1), scale


def dirichlet(seed, k, size=10):
    probs = np.random.default_rng(seed).dirichlet(np.full(k, 0.2), size)
    probs = np.maximum(probs, 1e-30)
    return probs / probs.sum(-1, keepdims=True)


def total_variation(p, q):
    return 0.5 * np.abs(p - q).sum(-1)


@cache
def exact_of_ten(seed, low, high):
    return oracle.argmax_probs(*gaussians(seed, 10, low, high))


def of_many(low, high):
    return map(
        np.array, zip(*(gaussians(s, 10, low, high) for s in range(300)), strict=True)
    )


@cache
def exact_of_many(low, high):
    return np.array(
        [between_steps(*law) for law in zip(*of_many(low, high), strict=True)]
    )


def between_steps(loc, scale):
    t, weights = oracle.nodes_between_steps(loc, scale)
    u = (t - loc) / scale
    log_r = -0.5 * (u**2 + np.log(2 * np.pi)) - log_ndtr(u) - np.log(scale)
    probs = (weights * np.exp(log_ndtr(u).sum(-1, keepdims=True) + log_r)).sum(0)
    return np.append(probs, np.exp(log_ndtr(-loc / scale).sum()))


@pytest.mark.parametrize(
    ("low", "high", "rule", "bound"),
    [
        (0.3, 1.5, (16, 8), 1e-7),
        (0.05, 5.0, (16, 8), 1e-4),
        (0.05, 5.0, (64, 16), 1e-8),
        (0.05, 5.0, (), 1e-6),
        (0.005, 10.0, (), 1e-6),
    ],
)
def test_argmax_probs_agree_with_adaptive_quadrature(backend, low, high, rule, bound):
    for seed in range(4):
        loc, scale = gaussians(seed, 10, low, high)
        found = backend.igr.argmax_probs(
            backend.array(loc), backend.array(scale), *rule
        )
        exact = exact_of_ten(seed, low, high)
        assert total_variation(backend.numpy(found), exact) < bound


@pytest.mark.parametrize(
    ("low", "high", "rule", "share", "bound"),
    [
        (0.05, 5.0, (16, 8), 0.98, 1e-4),
        (0.05, 5.0, (), 1, 1e-6),
        (0.005, 10.0, (), 0.98, 1e-4),
    ],
)
def test_a_rule_is_as_accurate_as_stated_for_hard_cases(
    backend, low, high, rule, share, bound
):
    loc, scale = of_many(low, high)
    found = backend.igr.argmax_probs(backend.array(loc), backend.array(scale), *rule)
    error = total_variation(backend.numpy(found), exact_of_many(low, high))
    assert np.quantile(error, share) < bound


def test_one_wide_beside_narrow_ones_is_met_to_1e_minus_4(backend):
    """The hardest of scales that coarse panels are for."""
    rng = np.random.default_rng(0)
    loc, scale = 5 + 0.1 * rng.normal(size=(300, 9)), np.full((300, 9), 0.27)
    loc[:, 0] += rng.uniform(-10, 20, 300)
    scale[:, 0] = 5
    found = backend.igr.argmax_probs(backend.array(loc), backend.array(scale))
    exact = np.array([between_steps(*law) for law in zip(loc, scale, strict=True)])
    assert total_variation(backend.numpy(found), exact).max() < 1e-4


@pytest.mark.parametrize("name", RULES.values())
def test_probabilities_are_the_frequencies_of_the_vertices(backend, name):
    loc, scale = gaussians(0, 5)
    y = loc + scale * np.random.default_rng(0).normal(size=(1_000_000, 4))
    last = np.zeros((len(y), 1))
    if name == "argmax_probs":
        hard = np.concatenate([y, last], -1).argmax(-1)
    else:
        hard = (np.concatenate([y, last + 1], -1) > 0).argmax(-1)
    exact = np.bincount(hard, minlength=5) / len(y)
    found = getattr(backend.igr, name)(backend.array(loc), backend.array(scale))
    np.testing.assert_allclose(backend.numpy(found), exact, atol=5 * 0.5e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [2, 10, 1000])
@pytest.mark.parametrize("name", RULES.values())
def test_probabilities_sum_to_one_within_4_ulp(backend, name, k, dtype):
    loc, scale = (backend.array(x, dtype) for x in gaussians(k, k))
    total = backend.numpy(getattr(backend.igr, name)(loc, scale)).sum(dtype=np.float64)
    assert abs(total - 1) <= 4 * np.finfo(dtype).eps


def test_argmax_probs_are_equivariant_under_permutation(backend):
    loc, scale = gaussians(3, 10)
    order = np.random.default_rng(0).permutation(9)
    straight = backend.igr.argmax_probs(backend.array(loc), backend.array(scale))
    permuted = backend.igr.argmax_probs(
        backend.array(loc[order]), backend.array(scale[order])
    )
    expected = backend.numpy(straight)[np.append(order, 9)]
    np.testing.assert_allclose(backend.numpy(permuted), expected, atol=1e-13)


def test_the_gradient_of_two_categories_is_the_normal_density(backend):
    loc, scale = backend.array([[0.4], [-3.0]]), backend.array([[0.7], [0.2]])
    for name in RULES.values():
        probs = getattr(backend.igr, name)
        d_loc, d_scale = backend.grad(lambda m, s, f=probs: f(m, s)[..., 0], loc, scale)
        u = backend.numpy(loc) / backend.numpy(scale)
        density = np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi) / backend.numpy(scale)
        np.testing.assert_allclose(backend.numpy(d_loc), density, rtol=1e-9)
        np.testing.assert_allclose(backend.numpy(d_scale), -u * density, rtol=1e-9)


@cache
def slopes_of_the_second(step=1e-5):
    """Central differences of one probability in each mean and each scale."""
    slopes = np.zeros((2, 3))
    for i, j in np.ndindex(2, 3):
        law = np.array(gaussians(5, 4))
        law[i, j] += step
        slopes[i, j] = oracle.argmax_probs(*law)[1]
        law[i, j] -= 2 * step
        slopes[i, j] -= oracle.argmax_probs(*law)[1]
    return slopes / (2 * step)


def test_the_gradient_of_argmax_probs_agrees_with_its_closed_form(backend):
    loc, scale = gaussians(5, 4)
    found = backend.grad(
        lambda m, s: backend.igr.argmax_probs(m, s, 64, 16)[..., 1],
        backend.array(loc),
        backend.array(scale),
    )
    expected = slopes_of_the_second()
    np.testing.assert_allclose([*map(backend.numpy, found)], expected, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES.values())
def test_probabilities_and_gradients_are_finite_at_extreme_means(backend, name, dtype):
    loc = backend.array([50.0, -50.0, 0.0, 49.9, -1.0], dtype)
    scale = backend.array([1.0, 1.0, 0.05, 5.0, 1.0], dtype)
    probs = getattr(backend.igr, name)
    assert np.isfinite(backend.numpy(probs(loc, scale))).all()
    both = backend.array([backend.numpy(x) for x in (loc, scale)], dtype)
    assert np.isfinite(backend.jacobian(lambda x: probs(x[0], x[1]), both)).all()


@pytest.mark.parametrize("name", RULES.values())
def test_the_gradient_of_a_thousand_categories_is_finite(backend, name):
    loc, scale = (backend.array(x, "float32") for x in gaussians(0, 1000))
    weights = backend.array(np.random.default_rng(1).normal(size=1000), "float32")
    probs = getattr(backend.igr, name)
    gradients = backend.grad(lambda m, s: (probs(m, s) * weights).sum(-1), loc, scale)
    for gradient in map(backend.numpy, gradients):
        assert np.isfinite(gradient).all()
        assert (gradient != 0).any()


@pytest.mark.parametrize("k", [2, 200])
@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-10), ("float32", 1e-6)])
@pytest.mark.parametrize("law", ["IGR", "IGRStickBreaking"])
def test_from_probs_returns_the_given_probabilities(backend, law, k, dtype, bound):
    target = dirichlet(k, k, 4)
    from_probs = getattr(backend.igr, law).from_probs
    for given_as in (
        {"probs": backend.array(target, dtype)},
        {"logits": backend.array(np.log(target) + 3, dtype)},
    ):
        found = from_probs(0.5, **given_as)
        assert np.abs(backend.numpy(found.probs) - target).max() < bound
    if law == "IGR":  # by another rule than its own
        loc = backend.numpy(found.loc)[0].astype("float64")
        exact = between_steps(loc, np.ones(k - 1))
        assert np.abs(exact - target[0]).max() < 10 * bound


@pytest.mark.parametrize("name", WITH_PROBS)
def test_every_family_with_probs_can_be_built_from_them(backend, name):
    loc, scale = backend.array([0.1, -0.4]), backend.array([0.5, 1.5])
    law = LAWS[name](backend.igr, 0.5, loc, scale)
    again = type(law).from_probs(0.5, law.probs, scale=scale)
    np.testing.assert_allclose(backend.numpy(again.loc), [0.1, -0.4], atol=1e-8)


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10**6), low=st.floats(0.2, 1.0), high=st.floats(1.0, 3.0))
def test_matching_inverts_recovery_at_any_scale(backend, seed, low, high):
    loc, scale = gaussians(seed, 6, low, high)
    array = backend.array
    probs = backend.igr.argmax_probs(array(loc), array(scale))
    found = backend.igr.match_probs(probs, array(scale))
    again = backend.igr.argmax_probs(found, array(scale))
    np.testing.assert_allclose(backend.numpy(again), backend.numpy(probs), atol=1e-10)


def test_the_uniform_distribution_has_its_closed_form(backend):
    loc = backend.igr.match_probs(backend.array(np.full(10, 0.1)))
    np.testing.assert_allclose(backend.numpy(loc), -0.752962, atol=1e-6)


@pytest.mark.parametrize("law", ["IGR", "IGRStickBreaking"])
def test_the_gradient_of_matching_agrees_with_finite_differences(backend, law):
    from_probs = getattr(backend.igr, law).from_probs
    logits, scale = np.array([0.3, -1.0, 0.8, 0.0]), np.array([0.6, 1.3, 0.9])
    weights = backend.array([1.0, -2.0, 0.7])

    def objective(logits, scale):
        return (from_probs(0.5, logits=logits, scale=scale).loc * weights).sum(-1)

    def at(*values):  # both, since jax compiles that once for all points
        return backend.value_and_grad(objective, *map(backend.array, values))

    _, *gradients = at(logits, scale)
    for i, values in enumerate((logits, scale)):
        for j in range(len(values)):
            ends = []
            for sign in (1, -1):
                moved = [logits.copy(), scale.copy()]
                moved[i][j] += sign * 1e-5
                ends.append(at(*moved)[0])
            expected = (ends[0] - ends[1]) / 2e-5
            np.testing.assert_allclose(gradients[i][j], expected, atol=1e-6)


UNREACHABLE = {
    "zero": ([0.0, 0.4, 0.6], "positive"),
    "negative": ([-0.1, 0.5, 0.6], "positive"),
    "nan": ([np.nan, 0.5, 0.5], "positive"),
    "infinite": ([np.inf, 0.5, 0.5], "finite"),
    "one category": ([1.0], "K >= 2"),
}


@pytest.mark.parametrize(("probs", "match"), UNREACHABLE.values(), ids=UNREACHABLE)
@pytest.mark.parametrize("law", ["IGR", "IGRStickBreaking"])
def test_an_unreachable_target_is_an_error_that_says_why(backend, law, probs, match):
    with pytest.raises(ValueError, match=match):
        getattr(backend.igr, law).from_probs(0.5, backend.array(probs))


def test_softmax_plus_plus_of_sticks_cannot_be_matched(backend):
    probs = backend.array([0.2, 0.3, 0.5])
    with pytest.raises(ValueError, match="never chooses category K"):
        backend.igr.IGRStickBreaking.from_probs(0.5, probs, tempering="softmax++")


def test_exactly_one_of_probs_and_logits_is_expected(backend):
    probs = backend.array([0.2, 0.3, 0.5])
    for given_as in ({}, {"probs": probs, "logits": probs}):
        with pytest.raises(ValueError, match="exactly one of probs and logits"):
            backend.igr.IGR.from_probs(0.5, **given_as)


@pytest.mark.parametrize("name", WITH_PROBS + BY_LARGEST_WEIGHT)
def test_the_discrete_distribution_is_consistent_in_all_its_forms(backend, name):
    loc, scale = (backend.array(x) for x in gaussians(8, 4))
    law = LAWS[name](backend.igr, 0.5, loc, scale)
    probs = backend.numpy(law.probs)
    np.testing.assert_allclose(np.exp(backend.numpy(law.logits)), probs)
    np.testing.assert_allclose(backend.numpy(law.to_discrete().probs), probs)
    np.testing.assert_array_equal(backend.numpy(law.mode), probs == probs.max())


@pytest.mark.parametrize("name", WITH_PROBS + BY_LARGEST_WEIGHT)
def test_the_discrete_distribution_does_not_depend_on_the_temperature(backend, name):
    loc, scale = (backend.array(x) for x in gaussians(9, 4))
    cold, warm = (LAWS[name](backend.igr, t, loc, scale).probs for t in (0.01, 0.9))
    np.testing.assert_array_equal(backend.numpy(cold), backend.numpy(warm))


def test_the_probit_of_log_odds_agrees_with_scipy_to_1e_minus_10(backend):
    odds = np.concatenate([np.linspace(-700, 700, 1401), np.linspace(-3, 3, 100)])
    odds = np.append(odds, np.geomspace(1e-12, 1e-4, 9))
    expected = np.sign(odds) * -ndtri_exp(log_expit(-np.abs(odds)))
    found = backend.numpy(
        backend.igr._numerics.probit.probit_of_log_odds(backend.array(odds))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-15)


def test_the_probit_of_even_odds_has_the_right_gradient(backend):
    even = backend.array([0.0])
    (gradient,) = backend.grad(backend.igr._numerics.probit.probit_of_log_odds, even)
    np.testing.assert_allclose(backend.numpy(gradient), 0.25 * np.sqrt(2 * np.pi))
