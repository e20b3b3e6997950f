"""The distributions that stand for a distribution of counts, exactly."""

import numpy as np
import pytest
from scipy import stats

WEIGHTS = np.array([10.0, 1, 5, 1, 10, 10, 1, 6, 1, 1])
COUNTS = {
    "poisson": (lambda d, a: d.Poisson(a(50.0)), stats.poisson(50)),
    "large poisson": (lambda d, a: d.Poisson(a(100.0)), stats.poisson(100)),
    "larger poisson": (lambda d, a: d.Poisson(a(300.0)), stats.poisson(300)),
    "geometric": (lambda d, a: d.Geometric(probs=a(0.25)), stats.geom(0.25, loc=-1)),
    "negative_binomial": (
        lambda d, a: d.NegativeBinomial(a(50.0), probs=a(0.6)),
        stats.nbinom(50, 0.4),
    ),
    "binomial": (lambda d, a: d.Binomial(12, probs=a(0.3)), stats.binom(12, 0.3)),
    "rare": (lambda d, a: d.Binomial(12, probs=a(1e-3)), stats.binom(12, 1e-3)),
    "rare of 16": (lambda d, a: d.Binomial(16, probs=a(1e-3)), stats.binom(16, 1e-3)),
    "rare of 17": (lambda d, a: d.Binomial(17, probs=a(1e-3)), stats.binom(17, 1e-3)),
    "rare of many": (lambda d, a: d.Binomial(90, probs=a(0.1)), stats.binom(90, 0.1)),
    "likely of many": (lambda d, a: d.Binomial(20, probs=a(0.9)), stats.binom(20, 0.9)),
    "binomial of 300": (
        lambda d, a: d.Binomial(300, probs=a(0.25)),
        stats.binom(300, 0.25),
    ),
    "categorical": (
        lambda d, a: d.Categorical(probs=a(WEIGHTS / WEIGHTS.sum())),
        stats.rv_discrete(values=(np.arange(10), WEIGHTS / WEIGHTS.sum())),
    ),
    "bernoulli": (lambda d, a: d.Bernoulli(probs=a(0.3)), stats.bernoulli(0.3)),
    "mixture": (
        lambda d, a: d.MixtureSameFamily(
            d.Categorical(probs=a([0.25, 0.75])), d.Bernoulli(probs=a([0.8, 0.4]))
        ),
        stats.bernoulli(0.5),
    ),
}
LARGEST = {
    "binomial": 12,
    "rare": 12,
    "rare of 16": 16,
    "likely of many": 20,
    "categorical": 9,
    "bernoulli": 1,
    "mixture": 1,
}


def probs_of(backend, name, num_sticks=None, dtype="float64", **options):
    """Of the matched distribution; all but the number of sticks by one program."""
    law = COUNTS[name][0](backend.dist, lambda x: backend.array(x, dtype))
    make = backend.igr.InfiniteIGR.from_discrete
    found = backend.evaluate(lambda: make(0.5, law, num_sticks, **options).probs)
    return backend.numpy(found)


def total_variation(probs, exact):
    """To the distribution that has the last entry for all values from there on."""
    n = len(probs) - 1
    expected = np.append(exact.pmf(np.arange(n)), exact.sf(n - 1))
    return 0.5 * np.abs(probs - expected).sum()


@pytest.mark.parametrize(
    ("name", "dtype", "bound"),
    [
        *((name, "float64", 1e-8) for name in COUNTS),
        *((name, "float32", 1e-4) for name in ("poisson", "binomial of 300")),
    ],
)
def test_the_probabilities_are_those_of_scipy(backend, name, dtype, bound):
    probs, exact = probs_of(backend, name, dtype=dtype), COUNTS[name][1]
    assert total_variation(probs, exact) < bound
    n = len(probs) - 1
    if name in LARGEST:
        assert n == LARGEST[name]
    else:
        eps = np.finfo(dtype).eps
        assert exact.sf(n - 1) < 10 * eps
        assert exact.sf(n - 2) > eps / 10 or dtype == "float32"  # which rounds


@pytest.mark.parametrize(("num_sticks", "scale"), [(3, 1.0), (60, 3.0)])
def test_the_rest_is_all_that_the_given_sticks_leave(backend, num_sticks, scale):
    probs = probs_of(backend, "poisson", num_sticks, scale=scale)
    assert len(probs) == num_sticks + 1
    assert total_variation(probs, COUNTS["poisson"][1]) < 1e-12


def test_a_batch_of_distributions_shares_the_sticks_of_the_longest(backend):
    totals, probs = np.array([3, 12]), np.array([[0.3], [0.6]])
    law = backend.dist.Binomial(backend.array(totals), probs=backend.array(probs))
    found = backend.evaluate(
        lambda: backend.igr.InfiniteIGR.from_discrete(0.5, law).probs
    )
    expected = stats.binom(totals[:, None], probs[:, :, None]).pmf(np.arange(13))
    assert found.shape == expected.shape
    np.testing.assert_allclose(backend.numpy(found), expected, atol=1e-12)


def test_a_value_without_mass_has_none(backend):
    probs = backend.array([0.0, 0.5, 0.0, 0.5, 0.0])
    law = backend.igr.InfiniteIGR.from_discrete(0.5, backend.dist.Categorical(probs))
    expected = [0, 0.5, 0, 0.5, 0]
    np.testing.assert_allclose(backend.numpy(law.probs), expected, atol=1e-12)


def test_the_means_have_the_gradient_of_finite_differences(backend):
    def loc(rate):
        law = backend.dist.Poisson(rate)
        return backend.igr.InfiniteIGR.from_discrete(0.5, law, 8).loc

    rate, step = 4.0, 1e-5
    (gradient,) = backend.grad(loc, backend.array(rate))
    ends = [backend.numpy(loc(backend.array(rate + s * step))) for s in (1, -1)]
    expected = (ends[0] - ends[1]).sum() / (2 * step)
    np.testing.assert_allclose(backend.numpy(gradient), expected, rtol=1e-7)


def test_a_distribution_that_is_not_of_counts_is_an_error(backend):
    for law in (
        backend.dist.Normal(backend.array(0.0), backend.array(1.0)),
        backend.dist.Poisson(backend.array([1.0])).to_event(1),
    ):
        with pytest.raises(
            ValueError, match="expected a distribution on the non-negative"
        ):
            backend.igr.InfiniteIGR.from_discrete(0.5, law, 5)


def test_a_mask_that_hides_the_counts_is_refused(backend):
    for law in (
        backend.dist.Binomial(3, probs=backend.array(0.3)).mask(False),
        backend.dist.Poisson(backend.array([1.0])).mask(False).expand((4, 1)),
    ):
        with pytest.raises(ValueError, match="without a mask"):
            backend.igr.InfiniteIGR.from_discrete(0.5, law)


def test_a_tail_too_long_takes_a_number_of_sticks(backend):
    law = backend.dist.Geometric(probs=backend.array(1e-9))
    with pytest.raises(ValueError, match="expected num_sticks to be given"):
        backend.igr.InfiniteIGR.from_discrete(0.5, law)


def test_counts_of_an_integer_rate_are_those_of_the_same_real(backend):
    rates = backend.array(3, "int32"), backend.array(3.0)
    laws = (backend.dist.Poisson(rate) for rate in rates)
    of_integer, of_real = (
        backend.numpy(backend.igr.InfiniteIGR.from_discrete(0.5, law, 5).probs)
        for law in laws
    )
    np.testing.assert_allclose(of_integer, of_real, atol=1e-6)


def test_a_traced_bound_of_the_counts_is_named(backend):
    def probs(total_count, num_sticks=None):
        law = backend.dist.Binomial(total_count, probs=backend.array(0.3))
        return backend.igr.InfiniteIGR.from_discrete(0.5, law, num_sticks).probs

    counts = backend.array([4.0, 9.0])
    with pytest.raises(ValueError, match="num_sticks .* total_count, .* be concrete"):
        backend.vmap(probs, counts)
    found = backend.numpy(backend.vmap(lambda n: probs(n, 9), counts))
    np.testing.assert_allclose(found, backend.numpy(probs(counts)), atol=1e-14)


def test_a_batch_without_elements_is_matched_by_one(backend, host):
    counts = backend.dist.Poisson(backend.array(np.ones((2, 0))))
    law = host.igr.InfiniteIGR.from_discrete(0.5, counts, 3)
    value = backend.sample(law, 0, (5,))
    assert value.shape == (5, 2, 0, 4)
    assert law.log_prob(value).shape == (5, *counts.batch_shape)
    assert law.expand((5, 2, 0)).log_prob(value).shape == (5, 2, 0)
    assert backend.kl(law, law).shape == (2, 0)
    assert backend.sample(law.to_event(1), 0).shape == (2, 0, 4)
    discrete = law.to_discrete()
    assert discrete.log_prob(discrete.mode).shape == (2, 0)
    assert int(backend.wanted_sticks(law, 0, value, rho=0.9)) == 0


def test_a_relaxed_site_without_elements_adds_nothing_to_the_bound(backend, host):
    rates = backend.array(np.ones(0))

    def model():
        n = host.sample("n", host.dist.Poisson(rates).to_event(1))
        x = host.dist.Normal(n.sum(), backend.array(1.0))
        host.sample("x", x, obs=backend.array(0.0))

    relaxed = host.igr.relax(model, 0.5, num_sticks=3)
    guide = host.igr.AutoIGR(relaxed, 0.5)
    host.start(guide)
    engines = host.TRACE(), host.MEAN_FIELD(), host.igr.TraceDiscreteKL_ELBO()
    for found in host.each_loss(engines, relaxed, guide):
        assert found == pytest.approx(-stats.norm.logpdf(0))
