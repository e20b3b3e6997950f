"""Where nothing is checked, as in compiled programs, NaN is passed on."""

import numpy as np
import pytest
from cases import WITH_FLOW

LOC, SCALE = np.array([0.3, -0.6, 0.9]), np.array([0.8, 1.1, 0.6])
LOGITS = np.log([0.4, 0.3, 0.2, 0.1])


def one_hot(backend, **given):
    has_own = hasattr(backend.igr, "OneHotCategorical")
    return (backend.igr if has_own else backend.dist).OneHotCategorical(**given)


def expected(backend, **given):
    return backend.igr.ExpectedOneHotCategorical(**given)


def reinmax(backend, **given):
    return backend.igr.OneHotCategoricalReinMax(1.0, **given)


def exp_relaxed(backend, **given):
    return backend.igr.ExpRelaxedOneHotCategorical(0.5, **given)


every_law = pytest.mark.parametrize("name", WITH_FLOW)
every_parameter = pytest.mark.parametrize("parameter", ["loc", "scale"])


def spoiled(x):
    return np.where(np.arange(len(x)) == 1, np.nan, x)


def law(backend, name, **changed):
    loc, scale = ({"loc": LOC, "scale": SCALE} | changed).values()
    arguments = (0.5, loc, scale)
    return WITH_FLOW[name](backend.igr, *map(backend.array, arguments))


def are_nan(backend, *numbers):
    return [np.isnan(backend.numpy(x)).any() for x in numbers]


@every_parameter
@every_law
def test_a_parameter_that_is_nan_has_no_probabilities_nor_kl(backend, name, parameter):
    with backend.validation(False):
        good, original = law(backend, name), {"loc": LOC, "scale": SCALE}[parameter]
        bad = law(backend, name, **{parameter: spoiled(original)})
        kls = backend.kl(bad, good), backend.kl(good, bad)
        assert all(are_nan(backend, bad.probs, bad.to_discrete().entropy(), *kls))
        assert not any(are_nan(backend, good.probs, backend.kl(good, good)))


@every_parameter
@pytest.mark.parametrize("name", [name for name in WITH_FLOW if "through" not in name])
def test_a_parameter_that_is_nan_has_no_density(backend, name, parameter):
    with backend.validation(False):
        good, original = law(backend, name), {"loc": LOC, "scale": SCALE}[parameter]
        bad = law(backend, name, **{parameter: spoiled(original)})
        assert all(are_nan(backend, bad.log_prob(backend.sample(good, 0))))


@pytest.mark.parametrize("form", ["probs", "logits"])
@pytest.mark.parametrize("make", [one_hot, expected, reinmax, exp_relaxed])
def test_categories_that_are_nan_have_no_probability(backend, make, form):
    numbers = LOGITS if form == "logits" else np.exp(LOGITS)
    value = np.log([0.1, 0.6, 0.2, 0.1]) if make is exp_relaxed else np.eye(4)[1]
    value = backend.array(value)
    with backend.validation(False):
        good = make(backend, **{form: backend.array(numbers)})
        bad = make(backend, **{form: backend.array(spoiled(numbers))})
        assert all(are_nan(backend, bad.probs, bad.log_prob(value)))
        assert not any(are_nan(backend, good.probs, good.log_prob(value)))
