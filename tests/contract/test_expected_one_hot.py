"""A one-hot variable at its mean: the terms that follow count in expectation."""

from functools import partial
from importlib import import_module

import numpy as np
import pytest
from scipy.special import logsumexp, rel_entr

Q, P = np.array([0.2, 0.3, 0.5]), np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]])
LOG_LIKELIHOODS = np.array([[-1.0, -3.0, -0.5], [-2.0, -0.1, -4.0]])
TAU = 0.5


@pytest.fixture
def engines(backend):
    return import_module(backend.__name__.replace("_backend", "_engines"))


def expected(backend, probs, **options):
    family = backend.igr.ExpectedOneHotCategorical
    return family(backend.array(probs), **options)


def one_hot(backend, probs):
    has_own = hasattr(backend.igr, "OneHotCategorical")
    family = (backend.igr if has_own else backend.dist).OneHotCategorical
    return family(backend.array(probs))


def programs(backend, engines, in_model, in_guide):
    """A model of two codes whose log-likelihoods are linear, and its guide."""

    def model():
        with engines.plate("data", 2):
            z = engines.sample("z", in_model(backend, P))
            weights = (z * backend.array(LOG_LIKELIHOODS)).sum(-1)
            engines.factor("x", weights)

    def guide():
        with engines.plate("data", 2):
            engines.sample("z", in_guide(backend, Q))

    return model, guide


ELBO = (Q * (LOG_LIKELIHOODS + np.log(P) - np.log(Q))).sum()


@pytest.mark.parametrize("engine", ["TRACE", "MEAN_FIELD"])
def test_an_elbo_is_that_of_enumeration(backend, engines, engine):
    pair = programs(backend, engines, expected, expected)
    found = engines.losses(getattr(engines, engine), *pair, vectorized=False)
    np.testing.assert_allclose(found, -ELBO, rtol=1e-10)


def test_the_gradient_of_an_elbo_is_that_of_enumeration(backend):
    def elbo(logits):
        q = backend.igr.ExpectedOneHotCategorical(logits=logits)
        z, p = backend.sample(q, 0), expected(backend, P[0])
        terms = (z * backend.array(LOG_LIKELIHOODS[0])).sum(-1)
        return terms + p.log_prob(z) - q.log_prob(z)

    logits = np.log(Q)
    (found,) = backend.grad(elbo, backend.array(logits))
    advantage = LOG_LIKELIHOODS[0] + np.log(P[0]) - np.log(Q)
    np.testing.assert_allclose(
        backend.numpy(found), Q * (advantage - Q @ advantage), atol=1e-10
    )


def test_its_statistics_are_those_of_the_one_hot_variable(backend):
    ours, theirs = expected(backend, P), one_hot(backend, P)
    for name in ("mean", "variance", "mode", "probs"):
        found, true = (backend.numpy(getattr(x, name)) for x in (ours, theirs))
        np.testing.assert_allclose(found, true, rtol=1e-12)
    entropies = (backend.numpy(x.entropy()) for x in (ours, theirs))
    np.testing.assert_allclose(*entropies, rtol=1e-12)


@pytest.mark.parametrize("q", [expected, one_hot])
@pytest.mark.parametrize("p", [expected, one_hot])
def test_its_kl_is_that_of_the_categorical_distributions(backend, p, q):
    found = backend.numpy(backend.kl(q(backend, Q), p(backend, P)))
    np.testing.assert_allclose(found, rel_entr(Q, P).sum(-1), rtol=1e-10)


@pytest.mark.parametrize("q", [expected, one_hot])
def test_there_is_no_kl_between_different_numbers_of_categories(backend, q):
    others = (
        expected(backend, [1.0]),
        backend.igr.OneHotCategoricalReinMax(1.0, backend.array([1.0])),
    )
    for p in others:
        with pytest.raises(ValueError, match="number of categories, got 3 and 1"):
            backend.kl(q(backend, Q), p)


def test_an_impossible_category_adds_nothing_unless_it_has_a_weight(backend):
    q = expected(backend, [0.5, 0.5, 0.0])
    assert backend.numpy(q.log_prob(backend.array([0.3, 0.7, 0.0]))) == pytest.approx(
        np.log(0.5), rel=1e-12
    )
    assert backend.numpy(q.log_prob(backend.array([0.3, 0.6, 0.1]))) == -np.inf
    assert backend.numpy(backend.kl(expected(backend, Q), q)) == np.inf
    assert backend.numpy(backend.kl(q, q)) == 0


def test_values_keep_batches_wrappers_and_draws(backend):
    law = expected(backend, P).expand((4, 2)).to_event(1)
    assert type(law.base_dist).__name__ == "ExpectedOneHotCategorical"
    value = backend.numpy(backend.sample(law, 0, (5,)))
    np.testing.assert_allclose(value, np.broadcast_to(P, (5, 4, 2, 3)), rtol=1e-12)
    assert law.log_prob(backend.array(value)).shape == (5, 4)


def test_a_value_off_the_simplex_is_refused(backend):
    with pytest.raises((ValueError, UserWarning), match="support"):  # the host's word
        expected(backend, Q).log_prob(backend.array([0.5, 0.6, 0.1]))


def test_its_own_value_is_on_the_simplex_of_many_categories(backend):
    logits = np.random.default_rng(0).normal(size=(100, 10_000), scale=3)
    law = backend.igr.ExpectedOneHotCategorical(logits=backend.array(logits, "float32"))
    log_prob = backend.numpy(law.log_prob(backend.sample(law, 0)))
    np.testing.assert_allclose(log_prob, -backend.numpy(law.entropy()), rtol=1e-5)


CONTINUOUS = {
    "IGR": lambda backend, x: backend.igr.IGR(TAU, x, x + 1),
    "ExpIGR": lambda backend, x: backend.igr.ExpIGR(TAU, x, x + 1),
    "IGRStickBreaking": lambda backend, x: backend.igr.IGRStickBreaking(TAU, x, x + 1),
    "GEM": lambda backend, x: backend.igr.GEM(x[0] + 1, 2),
    "Dirichlet": lambda backend, _: backend.dist.Dirichlet(backend.array(np.ones(3))),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_kl_to_or_from_a_density_on_the_simplex_is_refused(backend, name):
    of_density = CONTINUOUS[name](backend, backend.array(np.zeros(2)))
    for pair in (expected(backend, Q), of_density), (of_density, expected(backend, Q)):
        with pytest.raises(ValueError, match="mean of a one-hot variable"):
            backend.kl(*pair)


@pytest.mark.parametrize("name", ["AutoNormal", "AutoDelta", "AutoIGR"])
def test_automatic_guides_refuse_it(backend, engines, name):
    model, _ = programs(backend, engines, expected, expected)
    guides = engines.GUIDES | {"AutoIGR": partial(backend.igr.AutoIGR, temperature=TAU)}
    with pytest.raises(NotImplementedError, match="OneHotCategorical and relax"):
        engines.start(guides[name](model))


def test_an_automatic_guide_has_it_as_a_relaxed_one_hot_variable(backend, engines):
    model, _ = programs(backend, engines, one_hot, one_hot)
    engines.start(backend.igr.AutoIGR(backend.igr.relax(model, TAU), TAU))


def relaxed(backend, probs):
    return backend.igr.IGRStickBreaking.from_probs(TAU, backend.array(probs))


@pytest.mark.parametrize("pair", [(expected, relaxed), (relaxed, expected)])
def test_sticking_the_landing_has_it_in_both_programs_or_in_none(
    backend, engines, pair
):
    make = backend.igr.TraceSTL_ELBO
    with pytest.raises(ValueError, match="ExpectedOneHotCategorical in model and gui"):
        engines.attempt(make(), *programs(backend, engines, *pair))
    both = programs(backend, engines, expected, expected)
    found = engines.losses(make, *both, vectorized=False)
    np.testing.assert_allclose(found, -ELBO, rtol=1e-10)


def test_weights_at_it_are_refused_and_those_at_one_hot_values_are_not(
    backend, engines
):
    joint = LOG_LIKELIHOODS + np.log(P)
    evidence = logsumexp(joint, -1)

    def posterior(backend, _):
        return relaxed(backend, np.exp(joint - evidence[:, None]))

    for pair in (expected, expected), (expected, relaxed), (relaxed, expected):
        with pytest.raises(ValueError, match="'z' has .*: write it as OneHotCategor"):
            engines.log_weights(*programs(backend, engines, *pair), num_samples=2)
    pair = programs(backend, engines, one_hot, posterior)
    found = engines.log_weights(*pair, num_samples=2)
    np.testing.assert_allclose(found, [evidence, evidence], rtol=1e-6)


def test_relax_and_discretize_leave_it(backend, engines):
    model, guide = programs(backend, engines, expected, expected)
    pair = backend.igr.relax(model, TAU), backend.igr.discretize(guide)
    found = engines.losses(engines.TRACE, *pair, vectorized=False)
    np.testing.assert_allclose(found, -ELBO, rtol=1e-10)


def test_a_relaxed_guide_counts_by_it_under_the_discrete_kl(backend, engines):
    model, guide = programs(backend, engines, expected, relaxed)
    make = backend.igr.TraceDiscreteKL_ELBO
    found = engines.losses(make, model, guide, vectorized=False)
    error = found.std() / len(found) ** 0.5
    soft = backend.numpy(backend.sample(relaxed(backend, Q), 0, (20_000,)))
    linear = (soft.mean(0) * LOG_LIKELIHOODS).sum()
    kl = rel_entr(Q, P).sum()
    assert found.mean() == pytest.approx(kl - linear, abs=5 * error)
