"""The distribution of the largest weight, against quadrature and Monte Carlo."""

from functools import cache

import numpy as np
import oracle
import pytest
from cases import BY_LARGEST_WEIGHT, LAWS
from scipy.stats import norm

_rng = np.random.default_rng(3)
LOC = 1.5 * _rng.normal(size=(4, 3)) - 0.5
SCALE_OF_THREE = np.exp(_rng.uniform(np.log(0.05), np.log(5), (4, 2)))
SCALE_OF_FOUR = np.exp(_rng.uniform(np.log(0.3), np.log(1.5), (4, 3)))
LOC_OF_TEN = 2 * _rng.normal(size=(4, 9)) - 0.5
SCALE_OF_TEN = np.exp(_rng.uniform(np.log(0.05), np.log(5), (4, 9)))


def and_random(size, loc, scale):
    rng = np.random.default_rng(loc.shape[-1])
    more = np.exp(rng.uniform(np.log(0.05), np.log(5), (size, loc.shape[-1])))
    more = 2 * rng.normal(size=more.shape) - 0.5, more
    return [np.concatenate(pair) for pair in zip((loc, scale), more, strict=True)]


# Four that were chosen, and more at random: one batch, which is computed once.
DISTRIBUTIONS = {
    "three": and_random(200, LOC[:, :2], SCALE_OF_THREE),
    "four": (LOC, SCALE_OF_FOUR),
    "ten": and_random(100, LOC_OF_TEN, SCALE_OF_TEN),
}
with_and_without = pytest.mark.parametrize("remainder", [True, False])


def total_variation(p, q):
    return 0.5 * np.abs(p - q).sum(-1)


def by_quadrature(loc, scale, remainder, size=100_001):
    """The trapezoidal rule over all logits but the last."""
    n = len(loc) - 1
    noise = np.linspace(-8, 8, {1: size, 2: 801}[n])
    noise = np.stack(np.meshgrid(*[noise] * n, indexing="ij"), -1).reshape(-1, n)
    weights = np.exp(-0.5 * (noise**2).sum(-1))
    y = loc[:-1] + scale[:-1] * noise
    probs = oracle.largest_weight_probs(y, loc[-1], scale[-1], remainder)
    return weights @ probs / weights.sum()


@cache
def exact_probs(name, remainder):
    laws = zip(*DISTRIBUTIONS[name], strict=True)
    return np.array([by_quadrature(*law, remainder, 20_001) for law in laws])


def of_laws(backend, loc, scale, remainder, *rule):
    probs = backend.igr.discrete.largest_weight_probs
    loc, scale = backend.array(loc), backend.array(scale)
    return backend.numpy(probs(loc, scale, *rule, remainder=remainder))


@cache
def of_all(backend, name, remainder, *rule):
    return of_laws(backend, *DISTRIBUTIONS[name], remainder, *rule)


@with_and_without
@pytest.mark.parametrize(
    ("name", "rule", "bound"),
    [("three", (), 1e-4), ("three", (128, 64), 1e-5)],
    ids=["three", "three_refined"],
)
def test_it_agrees_with_quadrature(backend, remainder, name, rule, bound):
    found = of_all(backend, name, remainder, *rule)[:4]
    exact = exact_probs(name, remainder)[:4]
    assert total_variation(found, exact).max() < bound


def assert_as_stated(found, exact, nine_in_ten, every):
    error = total_variation(found, exact)
    assert np.quantile(error, 0.9) < nine_in_ten
    assert error.max() < every


@with_and_without
def test_hundreds_of_distributions_of_three_are_as_accurate_as_stated(
    backend, remainder
):
    exact = exact_probs("three", remainder)[4:]
    for rule, bounds in [
        ((), (2e-4, 2e-3) if remainder else (5e-4, 1e-2)),
        ((128, 64), (1e-5, 1e-3) if remainder else (1e-4, 5e-3)),
    ]:
        found = of_all(backend, "three", remainder, *rule)[4:]
        assert_as_stated(found, exact, *bounds)


@with_and_without
def test_a_hundred_distributions_of_ten_are_as_accurate_as_stated(backend, remainder):
    default, finest = (
        of_all(backend, "ten", remainder, *rule)[4:] for rule in ((), (96, 96))
    )  # the second to 1e-5, for nine in ten, and to 1e-4
    bounds = (2e-4, 2e-3) if remainder else (5e-4, 1e-2)
    assert_as_stated(default, finest, *bounds)


@with_and_without
def test_ten_categories_agree_with_conditional_monte_carlo(backend, remainder):
    found = of_all(backend, "ten", remainder)[:4]
    rng = np.random.default_rng(0)
    for loc, scale, row in zip(LOC_OF_TEN, SCALE_OF_TEN, found, strict=True):
        y = loc[:-1] + scale[:-1] * rng.normal(size=(100_000, 8))
        probs = oracle.largest_weight_probs(y, loc[-1], scale[-1], remainder)
        error = probs.std(0) / len(probs) ** 0.5
        assert (np.abs(row - probs.mean(0)) <= 4.5 * error + 1e-4).all()


@with_and_without
def test_the_error_of_ten_categories_falls_as_the_rule_is_refined(backend, remainder):
    default = of_all(backend, "ten", remainder)[:4]
    finer, finest = (
        of_laws(backend, LOC_OF_TEN, SCALE_OF_TEN, remainder, *rule)
        for rule in ((128, 64), (256, 96))
    )
    bound = 1e-4 if remainder else 1e-3
    assert total_variation(default, finest).max() < bound
    assert total_variation(finer, finest).max() < bound / 10


ROW = np.array([0.3, -1.0, 2.0, 0.5])


@cache
def slope(remainder, i, n, k, size=20_001):
    """Of a weighted sum, in a mean and a scale of the i-th of n + 1 categories."""
    slopes = []
    for at in 0, 1:
        ends = []
        for step in (1e-3, -1e-3):
            law = np.array([LOC[i, :n], SCALE_OF_FOUR[i, :n]])
            law[at, k] += step
            ends.append(by_quadrature(*law, remainder, size) @ ROW[: n + 1])
        slopes.append((ends[0] - ends[1]) / 2e-3)
    return slopes


def weighted(backend, remainder, n):
    """Weighted probabilities of n + 1 categories, and gradients of their sum."""
    probs, row = backend.igr.discrete.largest_weight_probs, backend.array(ROW[: n + 1])
    inputs = backend.array(LOC[:, :n]), backend.array(SCALE_OF_FOUR[:, :n])
    return backend.value_and_grad(
        lambda m, s: probs(m, s, remainder=remainder) * row, *inputs
    )


@with_and_without
def test_its_gradient_agrees_with_differences_of_the_quadrature(backend, remainder):
    _, *gradients = weighted(backend, remainder, 2)
    expected = [[slope(remainder, i, 2, k) for k in (0, 1)] for i in range(4)]
    np.testing.assert_allclose(np.stack(gradients, -1), expected, 0, 1e-4)


@with_and_without
def test_of_four_it_agrees_with_quadrature_and_its_gradient(backend, remainder):
    found, *gradients = weighted(backend, remainder, 3)
    exact = exact_probs("four", remainder)
    assert total_variation(found / ROW, exact).max() < 1e-4
    gradients = np.stack(gradients, -1)
    certain = exact.max(-1) > 1 - 1e-6
    np.testing.assert_allclose(gradients[certain], 0, atol=1e-4)
    assert not certain[2]
    if remainder:  # else the quadrature is too rough for differences
        np.testing.assert_allclose(gradients[2, 1], slope(True, 2, 3, 1), 0, 1e-4)


def test_of_two_categories_the_stick_is_the_larger_piece_above_one_half(backend):
    loc, scale = np.array([[0.4], [-3.0], [9.0]]), np.array([[0.7], [0.2], [1.0]])
    found = backend.igr.discrete.largest_weight_probs(
        backend.array(loc), backend.array(scale)
    )
    expected = np.concatenate([norm.cdf(loc / scale), norm.cdf(-loc / scale)], -1)
    np.testing.assert_allclose(backend.numpy(found), expected, atol=1e-7)


@with_and_without
def test_a_thousand_categories_sum_to_one_with_finite_gradients(backend, remainder):
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=999), np.exp(rng.uniform(-1, 1, 999))
    loc[[5, 90, 700]] = 50.0, -50.0, 49.0
    inputs = backend.array(loc, "float32"), backend.array(scale, "float32")

    def log_probs(loc, scale):
        probs = backend.igr.discrete.log_largest_weight_probs
        return probs(loc, scale, 24, 12, remainder=remainder)

    found, *gradients = backend.value_and_grad(log_probs, *inputs)
    assert np.isfinite(found[:-1]).all()
    total = np.exp(found).sum(dtype=np.float64)
    assert abs(total - 1) <= 4 * np.finfo("float32").eps
    for gradient in gradients:
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", BY_LARGEST_WEIGHT)
def test_cold_samples_are_at_the_vertices_as_often_as_the_distribution_says(
    backend, name
):
    loc, scale = backend.array([0.5, -0.2, 0.1]), backend.array([0.8, 1.1, 0.5])
    law = LAWS[name](backend.igr, 0.01, loc, scale)
    nearest = backend.numpy(backend.sample(law, 0, (100_000,))).argmax(-1)
    frequencies = np.bincount(nearest, minlength=4) / len(nearest)
    probs = backend.numpy(law.probs)
    error = np.sqrt(probs * (1 - probs) / len(nearest))
    assert (np.abs(frequencies - probs) <= 4.5 * error + 1e-6).all()


def test_a_weight_without_others_is_the_largest(backend):
    def first(loc):  # of two categories
        scale = backend.array([1.0])
        law = backend.igr.IGRStickBreaking(0.5, loc, scale, tempering="softmax++")
        return law.probs[..., 0].sum()

    loc = backend.array([[0.0], [1e9], [-1e9]])
    assert backend.numpy(first(loc)) == 3
    assert (backend.numpy(backend.grad(first, loc)[0]) == 0).all()


def test_the_last_category_of_softmax_plus_plus_is_impossible(backend):
    def law(loc, scale):
        return backend.igr.IGRStickBreaking(0.5, loc, scale, tempering="softmax++")

    loc, scale = backend.array([0.5, -0.2]), backend.array([0.8, 1.1])
    q, p = law(loc, scale), law(0 * loc, scale)
    assert backend.numpy(q.logits)[-1] == -np.inf
    assert backend.numpy(q.probs)[-1] == 0
    q_logits, p_logits = (backend.numpy(x.logits)[:-1] for x in (q, p))
    expected = (np.exp(q_logits) * (q_logits - p_logits)).sum()
    kl = backend.kl(q.to_discrete(), p.to_discrete())
    assert backend.numpy(kl) == pytest.approx(expected)
    gradients = backend.grad(
        lambda m, s: backend.kl(law(m, s).to_discrete(), p.to_discrete()), loc, scale
    )
    for gradient in map(backend.numpy, gradients):
        assert np.isfinite(gradient).all()
        assert (gradient != 0).all()
