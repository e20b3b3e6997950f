"""Straight-through gradients averaged given the category: the same mean, less noise."""

from functools import cache
from importlib import import_module

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax

RNG = np.random.default_rng(0)
LOC, SCALE, DELTA = np.array([0.4, -0.3, 0.2]), np.array([0.9, 1.1, 0.7]), 3.0
LOGITS = np.array([0.4, -0.7, 0.8, 0.1])
CURVES, TAU = RNG.normal(size=(4, 4)), 0.5


def gumbel(backend, tau, logits):
    has_own = hasattr(backend.igr, "RelaxedOneHotCategorical")
    family = (backend.igr if has_own else backend.dist).RelaxedOneHotCategorical
    return family(backend.array(tau, str(logits.dtype)[-7:]), logits=logits)


def toy(backend):
    name = backend.igr.__name__.removesuffix("_igr")
    return import_module(f"backends.{name}_toy").SinhIGR


# Each of a batch of parameters, which are logits or the means of Gaussians.
FAMILIES = {
    "igr": lambda backend, tau, x, s: backend.igr.IGR(tau, x, s),
    "igr_delta": lambda backend, tau, x, s: backend.igr.IGR(tau, x, s, DELTA),
    "sticks": lambda backend, tau, x, s: backend.igr.IGRStickBreaking(tau, x, s),
    "toy": lambda backend, tau, x, s: toy(backend)(tau, x, s),
    "gumbel": lambda backend, tau, x, s: gumbel(backend, tau, x),
}
every_family = pytest.mark.parametrize("name", FAMILIES)


# How many draws a law is found from; those of softmax++ are found by bisection.
COUNTS = {"sticks": 2000, "gumbel": 2000} | dict.fromkeys(
    ("igr", "igr_delta", "toy"), 400
)


def parameters(name, count):
    return np.tile(LOGITS if name == "gumbel" else LOC, (count, 1))


def averaged(backend, name, x, num_samples):
    base = FAMILIES[name](backend, TAU, x, backend.array(SCALE))
    return backend.igr.RaoBlackwellized(base, num_samples)


def straight(backend, name, x, seed):
    """A relaxed sample, made its category."""
    z = backend.sample(FAMILIES[name](backend, TAU, x, backend.array(SCALE)), seed)
    score = z
    if name == "sticks":  # of which the first that holds most of what is left counts
        score = (z > 1 - z.cumsum(-1)) * 1.0
    if name == "igr_delta":  # which weighs points of the simplex, not categories
        score = z / backend.array([1.0, 1.0, 1.0, DELTA])
    category = backend.igr.straight_through(score)
    return backend.igr.discrete.with_gradient_of(z, backend.detach(category))


def gradients(backend, name, sample):
    """Independent gradients of a quadratic function, one row each."""
    curves = backend.array(CURVES)

    def total(x):
        z = sample(x)
        return ((z @ curves) * z).sum(-1)

    x = backend.array(parameters(name, COUNTS[name]))
    return backend.numpy(backend.grad(total, x)[0])


def of_average(backend, name, num_samples, seed=1):
    def sample(x):
        return backend.sample(averaged(backend, name, x, num_samples), seed)

    return gradients(backend, name, sample)


@cache
def of_straight_through(backend, name):
    return gradients(backend, name, lambda x: straight(backend, name, x, 0))


@every_family
def test_one_gradient_is_distributed_as_that_of_straight_through(backend, name):
    found = of_average(backend, name, 1)
    expected = of_straight_through(backend, name)
    pairs = [*zip(found.T, expected.T, strict=True)]
    pairs += [(found.prod(-1), expected.prod(-1))]
    for ours, theirs in pairs:
        assert stats.ks_2samp(ours, theirs).pvalue > 1e-3 / len(pairs)


# What is averaged is one matter for all families of a noise.
@pytest.mark.parametrize("name", ["igr", "sticks", "gumbel"])
def test_an_average_has_the_same_mean_and_less_variance(backend, name):
    found, expected = (
        of_average(backend, name, 10),
        of_straight_through(backend, name),
    )
    error = np.hypot(found.std(0), expected.std(0)) / len(found) ** 0.5
    assert (abs(found.mean(0) - expected.mean(0)) < 4.5 * error).all()
    assert found.var(0).sum() < 0.8 * expected.var(0).sum()


@every_family
def test_samples_are_exactly_one_hot_with_the_recovered_probabilities(backend, name):
    law = averaged(backend, name, backend.array(parameters(name, 2)), 2)
    z = backend.numpy(backend.sample(law, 0, (1000,))).reshape(-1, 4)
    assert ((z == 0) | (z == 1)).all()
    assert (z.sum(-1) == 1).all()
    probs = backend.numpy(backend.igr.recover(law.base_dist).probs)
    np.testing.assert_allclose(backend.numpy(law.probs), probs)
    probs = probs[0]  # those of both are alike
    error = np.sqrt(probs * (1 - probs) / len(z))
    assert (abs(z.mean(0) - probs) < 4.5 * error).all()


@pytest.mark.parametrize("name", ["igr", "sticks", "gumbel"])
def test_gradients_are_finite_at_a_low_temperature(backend, name):
    size = 1000 if name == "gumbel" else 999
    x = RNG.normal(size=(2, size), scale=2)

    def total(x, scale):
        base = FAMILIES[name](backend, 0.01, x, scale)
        z = backend.sample(backend.igr.RaoBlackwellized(base, 3), 0)
        return (z * backend.array(np.arange(1000), "float32")).sum(-1)

    inputs = backend.array(x, "float32"), backend.array(np.ones(size), "float32")
    if name == "gumbel":
        found = backend.grad(lambda x: total(x, None), inputs[0])
    else:
        found = backend.grad(total, *inputs)
    assert all(np.isfinite(backend.numpy(part)).all() for part in found)


def test_a_plain_temperature_is_that_of_an_array(backend):
    base = gumbel(backend, TAU, backend.array(LOGITS))

    def total(family, x, tau):
        law = backend.igr.RaoBlackwellized(family(tau, logits=x), 2)
        return (backend.sample(law, 0) * backend.array(CURVES[0])).sum()

    found, expected = (
        backend.grad(lambda x, tau=tau: total(type(base), x, tau), base.logits)[0]
        for tau in (TAU, base.temperature)
    )
    np.testing.assert_allclose(backend.numpy(found), backend.numpy(expected))


@every_family
def test_it_expands_and_keeps_its_wrappers(backend, name):
    law = averaged(backend, name, backend.array(parameters(name, 2)), 2)
    wide = law.expand((3, 2)).to_event(1)
    z = backend.sample(wide, 0, (5,))
    assert wide.batch_shape == (3,)
    assert z.shape == (5, 3, 2, 4)
    found = backend.numpy(wide.log_prob(z))
    logits = backend.numpy(backend.igr.recover(law.base_dist).logits)
    expected = (backend.numpy(z) * logits).sum((-1, -2))
    np.testing.assert_allclose(found, expected)
    plain = backend.igr.recover(wide)
    np.testing.assert_allclose(backend.numpy(plain.log_prob(z)), expected)


def test_its_kl_is_the_discrete_one_and_to_a_relaxed_prior_that_of_its_base(backend):
    scale = backend.array(SCALE)
    q, p = (
        backend.igr.IGRStickBreaking(tau, backend.array(x), scale)
        for tau, x in ((0.5, LOC), (0.9, 0 * LOC))
    )
    law = backend.igr.RaoBlackwellized(q, 3)
    found = backend.numpy(backend.kl(law, p))
    np.testing.assert_allclose(found, backend.numpy(backend.kl(q, p)))
    found = backend.numpy(backend.kl(law, backend.igr.recover(p)))
    log_q, log_p = (backend.numpy(x.logits) for x in (q, p))
    np.testing.assert_allclose(found, (np.exp(log_q) * (log_q - log_p)).sum())


def refusals(igr, x, scale):
    sticks = igr.IGRStickBreaking
    rows = sticks(TAU, x, scale).expand((2,))
    weights = sticks(TAU, x, scale, tempering="weights")
    return {
        "base_dist to be a relaxed .* got str": ("x", 2),
        "base_dist to have no wrappers.* around Rao": (
            rows.to_event(1),
            2,
        ),
        "values z, but ExpIGR has log z": (igr.ExpIGR(TAU, x, scale), 2),
        'given its category, got .* "weights": use IGR, IGRStick': (weights, 2),
        "category, got InfiniteIGR": (igr.InfiniteIGR(TAU, x, scale), 2),
        "num_samples to be positive": (igr.IGR(TAU, x, scale), 0),
    }


def test_what_cannot_be_drawn_given_its_category_is_refused(backend):
    given = backend.array(LOC), backend.array(SCALE)
    for words, arguments in refusals(backend.igr, *given).items():
        with pytest.raises(ValueError, match=words):
            backend.igr.RaoBlackwellized(*arguments)


def programs(host, prior, *, is_free=False):
    """Two variables whose likelihood is quadratic, and their guide."""
    curves, fixed = host.array(CURVES), host.array(SCALE)

    def model():
        with host.plate("data", 2):
            z = host.sample("z", prior)
            host.factor("x", ((z @ curves) * z).sum(-1))

    def guide():
        loc = host.param("loc", host.array(np.tile(LOC, (2, 1))))
        scale = host.param("scale", fixed, constraint=host.positive)
        scale = scale if is_free else fixed
        with host.plate("data", 2):
            base = host.igr.IGRStickBreaking(TAU, loc, scale)
            host.sample("z", host.igr.RaoBlackwellized(base, 2))

    return model, guide


ENGINES = {
    "discrete KL": lambda host: host.igr.TraceDiscreteKL_ELBO,
    "mean field": lambda host: host.MEAN_FIELD,
    "trace": lambda host: host.TRACE,
    "enumerated": lambda host: host.igr.TraceEnumeratedDiscrete_ELBO,
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_objective_has_the_discrete_bound_in_the_mean(host, engine):
    prior = host.igr.IGRStickBreaking(TAU, host.array(0 * LOC), host.array(SCALE))
    pair = programs(host, host.igr.RaoBlackwellized(prior, 2))
    vectorized = engine != "enumerated"
    options = {"vectorized": vectorized, "whole": True}
    found = host.losses(ENGINES[engine](host), *pair, **options)
    q = host.igr.IGRStickBreaking(TAU, host.array(LOC), host.array(SCALE))
    log_q, log_p = (np.asarray(log_softmax(np.asarray(x.logits))) for x in (q, prior))
    expected = -2 * (np.exp(log_q) * (np.diag(CURVES) + log_p - log_q)).sum()
    error = found.std() / len(found) ** 0.5
    assert found.mean() == pytest.approx(expected, abs=4.5 * error + 1e-6)


def test_a_relaxed_prior_is_counted_by_its_discrete_distribution(host):
    prior = host.igr.IGRStickBreaking(TAU, host.array(0 * LOC), host.array(SCALE))
    pair = programs(host, prior)
    discrete = programs(host, host.igr.recover(prior))
    make = host.igr.TraceDiscreteKL_ELBO
    found, expected = (host.loss_once(make(), *x) for x in (pair, discrete))
    assert found == pytest.approx(expected)


def test_a_learned_scale_behind_it_is_warned_of(host):
    prior = host.igr.IGRStickBreaking(TAU, host.array(LOC), host.array(SCALE))
    at = {"loc": np.tile(LOC, (2, 1)), "scale": SCALE}
    pair = programs(host, prior, is_free=True)
    with pytest.warns(UserWarning, match="site 'z' is learned"):
        host.attempt(host.igr.TraceDiscreteKL_ELBO(), *pair, at)
