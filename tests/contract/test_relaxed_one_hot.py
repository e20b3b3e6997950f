"""The logarithm of Gumbel-Softmax: a density at any temperature, in both hosts."""

from importlib import import_module

import numpy as np
import pytest
from mpmath import mp

LOGITS = np.log([0.5, 0.2, 0.3])


def exp_relaxed(backend, temperature, dtype="float64", **given):
    ((name, value),) = given.items()
    family = backend.igr.ExpRelaxedOneHotCategorical
    return family(temperature, **{name: backend.array(value, dtype)})


def log_density(tau, logits, log_z):
    """Of log-ratios, in 50 digits (Maddison et al., 2017, eq. 10)."""
    with mp.workdps(50):
        tau = mp.mpf(float(tau))
        terms = [
            mp.mpf(float(a)) - tau * mp.mpf(float(b))
            for a, b in zip(logits, log_z, strict=True)
        ]
        total = mp.log(sum(map(mp.exp, terms)))
        n = len(terms) - 1
        return float(
            mp.loggamma(n + 1) + n * mp.log(tau) + sum(terms) - (n + 1) * total
        )


@pytest.mark.parametrize("tau", [0.01, 0.5, 3.0])
def test_its_density_is_exact_at_any_temperature(backend, tau):
    law = exp_relaxed(backend, tau, logits=LOGITS)
    log_z = backend.sample(law, 0, (4,))
    found = backend.numpy(law.log_prob(log_z))
    expected = [log_density(tau, LOGITS, row) for row in backend.numpy(log_z)]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("k", [2, 3])
def test_its_density_on_its_support_integrates_to_1(backend, k):
    law = exp_relaxed(backend, 0.7, logits=LOGITS[:k])
    axis = np.linspace(-40, 40, 400)
    y = np.stack(np.meshgrid(*[axis] * (k - 1), indexing="ij"), -1).reshape(-1, k - 1)
    onto = backend.biject_to(law.support)
    x = backend.array(y)
    log_z = onto(x)
    density = law.log_prob(log_z) + onto.log_abs_det_jacobian(x, log_z)
    total = np.exp(backend.numpy(density)).sum() * (axis[1] - axis[0]) ** (k - 1)
    assert total == pytest.approx(1, abs=1e-6)


def test_it_is_that_of_the_host_times_the_entries_of_z(backend):
    has_own = hasattr(backend.igr, "RelaxedOneHotCategorical")
    family = (backend.igr if has_own else backend.dist).RelaxedOneHotCategorical
    tau, logits = backend.array(0.8), backend.array(LOGITS)
    law = backend.igr.ExpRelaxedOneHotCategorical(tau, logits=logits)
    log_z = backend.sample(law, 0, (20,))
    z = backend.array(np.exp(backend.numpy(log_z)))
    found = backend.numpy(law.log_prob(log_z) - log_z.sum(-1))
    expected = backend.numpy(family(tau, logits=logits).log_prob(z))
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_values_and_gradients_are_finite_at_a_low_temperature(backend):
    logits = np.random.default_rng(0).normal(size=1000).astype("float32")
    log_z = backend.detach(
        backend.sample(exp_relaxed(backend, 0.01, "float32", logits=logits), 0)
    )

    def log_prob(logits, tau):
        family = backend.igr.ExpRelaxedOneHotCategorical
        return family(tau, logits=logits).log_prob(log_z)

    inputs = backend.array(logits, "float32"), backend.array(0.01, "float32")
    for gradient in backend.grad(log_prob, *inputs):
        assert np.isfinite(backend.numpy(gradient)).all()
    normalised = logits.astype("float64")
    normalised -= np.logaddexp.reduce(normalised)
    expected = log_density(np.float32(0.01), normalised, backend.numpy(log_z))
    found = backend.numpy(log_prob(*inputs))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_largest_entry_follows_the_probabilities(backend):
    law = exp_relaxed(backend, 0.5, logits=LOGITS)
    draws = backend.numpy(backend.sample(law, 0, (20_000,)))
    shares = np.bincount(draws.argmax(-1), minlength=3) / len(draws)
    probs = np.exp(LOGITS)
    error = np.sqrt(probs * (1 - probs) / len(draws))
    assert (abs(shares - probs) < 4.5 * error).all()
    np.testing.assert_allclose(backend.numpy(law.to_discrete().probs), probs)


def test_a_batch_of_temperatures_is_applied_element_by_element(backend):
    taus, logits = np.array([0.2, 2.0]), np.stack([LOGITS, LOGITS[::-1]])
    batch = exp_relaxed(backend, backend.array(taus), logits=logits)
    value = backend.sample(batch, 0)
    one_by_one = [
        backend.numpy(exp_relaxed(backend, t, logits=row).log_prob(v))
        for t, row, v in zip(taus, logits, value, strict=True)
    ]
    np.testing.assert_allclose(backend.numpy(batch.log_prob(value)), one_by_one)
    column = exp_relaxed(backend, backend.array(taus[:, None]), logits=logits)
    assert column.batch_shape == (2, 2)
    assert column.probs.shape == (2, 2, 3)
    assert backend.sample(column, 0, (4,)).shape == (4, 2, 2, 3)


def test_it_expands_and_keeps_its_wrappers(backend):
    law = exp_relaxed(backend, 0.5, logits=LOGITS)
    wide = law.expand((5, 2)).to_event(1)
    value = backend.sample(wide, 0)
    assert wide.batch_shape == (5,)
    assert value.shape == (5, 2, 3)
    found = backend.numpy(wide.log_prob(value))
    np.testing.assert_allclose(found, backend.numpy(law.log_prob(value)).sum(-1))
    assert (backend.numpy(value)[0] != backend.numpy(value)[1]).any()


IMPOSSIBLE = {"probs": [0.5, 0.5, 0.0], "logits": [0.0, 0.0, -np.inf]}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_without_a_category_it_has_no_density_and_a_finite_value(backend, name):
    with backend.validation(False):
        law = exp_relaxed(backend, 0.1, "float32", **{name: IMPOSSIBLE[name]})
        value = backend.sample(law, 0, (100,))
        assert np.isfinite(backend.numpy(value)).all()
        z = np.exp(backend.numpy(value).astype(np.float64))
        np.testing.assert_array_equal(z[:, 2], 0)
        np.testing.assert_allclose(z.sum(-1), 1, rtol=1e-6)
        assert (backend.numpy(law.log_prob(value)) == -np.inf).all()


def test_the_logarithm_of_a_value_that_underflowed_has_no_density(backend):
    law = exp_relaxed(backend, 0.5, logits=LOGITS)
    with backend.validation(False):
        log_prob = law.log_prob(backend.array([0.0, -np.inf, -800.0]))
    assert backend.numpy(log_prob) == -np.inf


@pytest.mark.parametrize("temperature", [-1.0, 0.0, np.nan])
def test_a_temperature_out_of_range_is_refused(backend, temperature):
    with pytest.raises(ValueError, match="temperature"):
        exp_relaxed(backend, temperature, logits=LOGITS)


def test_wrong_arguments_are_refused_by_name(backend):
    family, x = backend.igr.ExpRelaxedOneHotCategorical, backend.array(LOGITS)
    for given in {}, {"probs": x, "logits": x}:
        with pytest.raises(ValueError, match="exactly one of probs and logits"):
            family(0.5, **given)
    with pytest.raises(ValueError, match="probs"):
        family(0.5, probs=backend.array([-0.5, 1.5]))
    batches = backend.array(np.ones(2)), backend.array(np.zeros((3, 2)))
    for make in family, backend.igr.OneHotCategoricalReinMax:
        with pytest.raises(ValueError, match=r"shape of temperature .* \(2,\) and \(3"):
            make(batches[0], logits=batches[1])
    with pytest.raises(NotImplementedError, match="to_discrete"):
        family(0.5, logits=x).entropy()


def test_discretize_refuses_the_value_of_a_logarithm(backend):
    engines = import_module(backend.__name__.replace("_backend", "_engines"))

    def model():
        engines.sample("z", exp_relaxed(backend, 0.5, logits=LOGITS))

    with pytest.raises(
        ValueError, match=r"'z', but the value of ExpRelaxed.* is log z"
    ):
        engines.losses(
            engines.TRACE,
            backend.igr.discretize(model),
            backend.igr.discretize(model),
            vectorized=False,
        )


@pytest.mark.parametrize("family", ["ExpIGR", "ExpRelaxedOneHotCategorical"])
def test_relax_refuses_a_family_of_logarithms(backend, family):
    family = getattr(backend.igr, family)
    with pytest.raises(ValueError, match=f"family .* got {family.__name__}"):
        backend.igr.IGRReparam(0.5, family=family)
    with pytest.raises(ValueError, match=f"family .* got {family.__name__}"):
        backend.igr.relax(lambda: None, 0.5, family=family)


def test_the_discrete_kl_is_that_of_the_relaxed_value(backend):
    """Model and guide of log z, beside the same of z, with the same chance."""
    engines = import_module(backend.__name__.replace("_backend", "_engines"))
    weights, other = np.array([1.0, -2.0, 0.5]), np.log([0.2, 0.2, 0.6])

    def pair(family, to_z):
        def sample(logits):
            return engines.sample(
                "z", family(backend.array(0.5), backend.array(logits))
            )

        def model():
            z = to_z(sample(other))
            engines.factor("x", (z * backend.array(weights)).sum(-1))

        return model, lambda: sample(LOGITS)

    exp = backend.igr.ExpRelaxedOneHotCategorical
    of_logs = pair(lambda tau, x: exp(tau, logits=x), lambda x: np.e**x)
    of_points = pair(engines.gumbel, lambda x: x)
    make = backend.igr.TraceDiscreteKL_ELBO
    found, expected = (
        engines.losses(make, *programs, vectorized=False)
        for programs in (of_logs, of_points)
    )
    error = np.hypot(found.std(), expected.std()) / len(found) ** 0.5
    assert found.mean() == pytest.approx(expected.mean(), abs=4.5 * error)
