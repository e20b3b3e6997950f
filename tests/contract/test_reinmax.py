"""ReinMax: one-hot samples, with gradients that are exact of quadratic functions."""

from functools import partial

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

LOGITS = np.array([0.4, -0.7, 1.2, 0.1])
RNG = np.random.default_rng(0)
SLOPES, CURVES = RNG.normal(size=4), RNG.normal(size=(4, 4))
AT = {
    "logits": np.array([[0.3, -0.4, 0.9], [-0.2, 0.5, 0.1]]),
    "relax_scale": 1.0,
    "relax_temperature": 0.5,
}
PRIOR = np.array([0.5, 0.3, 0.2])


def reinmax(backend, tau=1.0, dtype="float64", **given):
    ((name, value),) = given.items()
    family = backend.igr.OneHotCategoricalReinMax
    return family(tau, **{name: backend.array(value, dtype)})


def quadratic(backend, size):
    slopes, curves = (backend.array(x) for x in (SLOPES[:size], CURVES[:size, :size]))
    return lambda z: (z * slopes).sum(-1) + ((z @ curves) * z).sum(-1)


def cubic(backend, size):
    return lambda z: quadratic(backend, size)(z) + (z @ backend.array(CURVES[0])) ** 3


def enumerated(backend, fn, gradient, size):
    """The mean gradient in logits of a function of a one-hot z, and the true one."""
    logits, values = LOGITS[:size], np.eye(size)
    probs = softmax(logits)

    def at(z):
        (found,) = backend.grad(lambda x: fn(gradient(x, z)), backend.array(logits))
        return backend.numpy(found)

    found = [at(z) for z in backend.array(values)]
    costs = backend.numpy(fn(backend.array(values)))
    return probs @ np.stack(found), probs * (costs - probs @ costs)


@pytest.mark.parametrize("size", [2, 4])
def test_its_mean_gradient_of_a_quadratic_function_is_exact(backend, size):
    fn = quadratic(backend, size)

    def second(x, z):
        return backend.igr.discrete.reinmax(z, x)

    def first(x, z):
        probs = backend.igr.OneHotCategoricalReinMax(1.0, logits=x).probs
        return backend.igr.discrete.with_gradient_of(probs, z)

    found, exact = enumerated(backend, fn, second, size)
    np.testing.assert_allclose(found, exact, atol=1e-10)
    straight, _ = enumerated(backend, fn, first, size)
    assert np.abs(straight - exact).max() > 0.05


def test_its_mean_gradient_of_a_cubic_function_is_biased(backend):
    fn, second = cubic(backend, 4), backend.igr.discrete.reinmax
    found, exact = enumerated(backend, fn, lambda x, z: second(z, x), 4)
    assert np.abs(found - exact).max() > 1e-3


@pytest.mark.parametrize("tau", [0.5, 1.0, 3.0])
def test_its_gradient_is_that_of_the_softmax_at_two_points(backend, tau):
    """As the authors' code has it, which writes the products with Jacobians out."""
    z, g = np.eye(4)[2], SLOPES
    (found,) = backend.grad(
        lambda x: (
            backend.igr.discrete.reinmax(backend.array(z), x, tau) * backend.array(g)
        ).sum(-1),
        backend.array(LOGITS),
    )

    def product(p):
        return p * g - p * (p @ g)

    mean = (z + softmax(LOGITS / tau)) / 2
    expected = 2 * product(mean) - product(softmax(LOGITS)) / 2
    np.testing.assert_allclose(backend.numpy(found), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_are_exactly_one_hot_with_its_probabilities(backend, dtype):
    law = reinmax(backend, 0.3, dtype, logits=LOGITS)
    z = backend.numpy(backend.sample(law, 0, (20_000,)))
    assert str(z.dtype) == dtype
    assert ((z == 0) | (z == 1)).all()
    assert (z.sum(-1) == 1).all()
    probs = softmax(LOGITS)
    error = np.sqrt(probs * (1 - probs) / len(z))
    assert (abs(z.mean(0) - probs) < 4.5 * error).all()


def test_gradients_are_finite_at_a_low_temperature(backend):
    logits = RNG.normal(size=1000, scale=5).astype("float32")

    def total(x):
        law = backend.igr.OneHotCategoricalReinMax(0.01, logits=x)
        z = backend.sample(law, 0, (20,))
        return (z * backend.array(np.arange(1000), "float32")).sum(-1) + law.log_prob(z)

    (found,) = backend.grad(total, backend.array(logits, "float32"))
    assert np.isfinite(backend.numpy(found)).all()
    assert np.abs(backend.numpy(found)).max() > 0


def test_its_log_probability_is_linear_and_its_kl_the_categorical_one(backend):
    law, log_probs = reinmax(backend, logits=LOGITS), log_softmax(LOGITS)
    mixed = RNG.dirichlet(np.ones(4))
    with backend.validation(False):
        found = backend.numpy(law.log_prob(backend.array(mixed)))
    np.testing.assert_allclose(found, mixed @ log_probs, rtol=1e-12)
    found = backend.numpy(law.log_prob(backend.array(np.eye(4))))
    np.testing.assert_allclose(found, log_probs, rtol=1e-12)
    prior = reinmax(backend, logits=np.zeros(4))
    kl = softmax(LOGITS) @ (log_probs + np.log(4))
    for other in prior, backend.igr.recover(prior):
        np.testing.assert_allclose(backend.numpy(backend.kl(law, other)), kl)
    np.testing.assert_allclose(
        backend.numpy(law.entropy()), -softmax(LOGITS) @ log_probs
    )


def test_a_batch_of_temperatures_is_applied_element_by_element(backend):
    taus = np.array([0.2, 2.0])

    def gradient(tau):
        def total(x):
            law = backend.igr.OneHotCategoricalReinMax(backend.array(tau), logits=x)
            law = law.expand((2,)).to_event(1)
            assert law.batch_shape == ()
            return (backend.sample(law, 1) * backend.array(SLOPES)).sum(-1)

        rows = backend.array(np.tile(LOGITS, (2, 1)))
        return backend.numpy(backend.grad(total, rows)[0])

    expected = [gradient(tau)[i] for i, tau in enumerate(taus)]
    np.testing.assert_allclose(gradient(taus), expected)


def test_wrong_arguments_are_refused_by_name(backend):
    family, x = backend.igr.OneHotCategoricalReinMax, backend.array(LOGITS)
    for given in {}, {"probs": x, "logits": x}:
        with pytest.raises(ValueError, match="exactly one of probs and logits"):
            family(1.0, **given)
    with pytest.raises(ValueError, match="probs"):
        family(1.0, probs=backend.array([-0.5, 1.5]))
    with pytest.raises(ValueError, match="temperature"):
        family(0.0, logits=x)


def programs(host, prior):
    """Two variables whose likelihood is quadratic, and their guide."""
    slopes, curves = (host.array(x) for x in (SLOPES[:3], CURVES[:3, :3]))

    def model():
        with host.plate("data", 2):
            z = host.sample("z", prior)
            value = (z * slopes).sum(-1) + ((z @ curves) * z).sum(-1)
            host.factor("x", value)

    def guide():
        logits = host.param("logits", host.array(AT["logits"]))
        with host.plate("data", 2):
            law = host.igr.OneHotCategoricalReinMax(host.array(1.0), logits=logits)
            host.sample("z", law)

    return model, guide


def rebar(host):
    return partial(host.igr.TraceRELAX_ELBO, control_variate=None, name="relax")


PRIORS = {
    "one_hot": lambda host: host.one_hot(probs=host.array(PRIOR)),
    "relaxed": lambda host: host.igr.IGR.from_probs(0.5, host.array(PRIOR)),
    "its own": lambda host: host.igr.OneHotCategoricalReinMax(
        host.array(1.0), probs=host.array(PRIOR)
    ),
}
ENGINES = {
    "discrete KL": (lambda host: host.igr.TraceDiscreteKL_ELBO, PRIORS),
    "mean field": (lambda host: host.MEAN_FIELD, ("one_hot", "its own")),
    "REBAR": (rebar, ("one_hot",)),
    "STL": (lambda host: host.igr.TraceSTL_ELBO, ("its own",)),
    "trace": (lambda host: host.TRACE, ("its own",)),
}


@pytest.mark.parametrize(
    ("engine", "prior"),
    [(engine, prior) for engine, (_, priors) in ENGINES.items() for prior in priors],
)
def test_every_objective_has_an_unbiased_gradient_of_a_quadratic_model(
    host, engine, prior
):
    pair = programs(host, PRIORS[prior](host))
    options = host.particles(300, 1)
    make, _ = ENGINES[engine]
    found = host.estimates(make(host)(**options), *pair, AT, count=20)
    log_q = log_softmax(AT["logits"], -1)
    values = SLOPES[:3] + np.diag(CURVES[:3, :3]) + np.log(PRIOR) - log_q
    q = np.exp(log_q)
    elbo = (q * values).sum(-1, keepdims=True)
    exact = {"loss": -elbo.sum(), "logits": -q * (values - elbo)}
    for name, true in exact.items():
        error = found[name].std(0) / len(found[name]) ** 0.5
        assert (abs(found[name].mean(0) - true) < 5 * error + 1e-9).all(), name
    np.testing.assert_allclose(
        host.loss_once(host.igr.TraceEnumeratedDiscrete_ELBO(), *pair),
        exact["loss"],
        rtol=1e-6,
    )


def test_discretize_leaves_no_gradient_to_its_samples(host):
    _, guide = programs(host, None)
    found = host.sites(host.igr.discretize(guide))["z"]["fn"]
    assert not found.has_rsample


def rao_blackwellized(backend, logits):
    base = backend.igr.IGRStickBreaking.from_probs(0.5, logits=logits)
    return backend.igr.RaoBlackwellized(base, 2)


ONE_HOT = {
    "reinmax": lambda backend, x: backend.igr.OneHotCategoricalReinMax(1.0, logits=x),
    "gumbel_rao": rao_blackwellized,
    "expected": lambda backend, x: backend.igr.ExpectedOneHotCategorical(logits=x),
}


@pytest.mark.parametrize("p", ONE_HOT.values(), ids=ONE_HOT)
@pytest.mark.parametrize("q", ONE_HOT.values(), ids=ONE_HOT)
def test_its_kl_is_finite_where_a_probability_has_underflowed(backend, q, p):
    even, far = (backend.array(x, "float32") for x in ([0.0, 0.0], [0.0, -150.0]))
    q, p = q(backend, even), p(backend, far)
    for pair in (q, p), (backend.igr.recover(q), p), (q.expand([2]), p.expand([2])):
        found = backend.numpy(backend.kl(*pair))
        np.testing.assert_allclose(found, 75 - np.log(2), rtol=1e-5)
