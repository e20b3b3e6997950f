"""Matching at the far ends: huge gaps, weights, the boundary, no members."""

from functools import cache

import mpmath
import numpy as np
import pytest
from cases import LAWS, WITH_FLOW
from oracle import log_argmax_probs
from scipy.special import expit, log_softmax, softmax
from scipy.stats import norm

MATCHED = ("IGR", "IGRStickBreaking", "InfiniteIGR")
PROBS = np.array([0.2, 0.5, 0.3])


def quantile_of(gap):
    """The mean at which the first of two categories has odds of e^gap."""

    def excess(x):
        return mpmath.log(mpmath.ncdf(-x)) + gap + mpmath.log1p(mpmath.exp(-gap))

    return float(mpmath.findroot(excess, (2 * gap) ** 0.5))


@pytest.mark.parametrize("name", MATCHED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_far_apart_have_the_means_of_mpmath(backend, name, dtype):
    gaps = np.array([5.0, 90.0, 110.0, 500.0, 1e4])
    logits = backend.array(np.stack([0 * gaps, -gaps], -1), dtype)
    found = getattr(backend.igr, name).from_probs(0.5, logits=logits).loc
    expected = [quantile_of(gap) for gap in gaps]
    rtol = 1e-5 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(backend.numpy(found)[:, 0], expected, rtol)


@pytest.mark.parametrize("name", MATCHED)
def test_the_gradient_at_logits_far_apart_is_that_of_mpmath(backend, name):
    def loc(logits):
        return getattr(backend.igr, name).from_probs(0.5, logits=logits).loc

    gaps, step = (90.0, 500.0), 1e-3
    logits = np.array([[0.0, -gap] for gap in gaps])
    (found,) = backend.grad(loc, backend.array(logits))
    slopes = [quantile_of(gap + step) - quantile_of(gap - step) for gap in gaps]
    expected = np.outer(slopes, [1, -1]) / (2 * step)
    np.testing.assert_allclose(backend.numpy(found), expected, 1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_masked_categories_leave_the_others_their_probabilities(backend, dtype):
    masks = np.array([[1, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 1]])
    depths = np.array([1e4, 1e6, 1e9])[:, None, None]
    logits = np.where(masks, -depths, [1.0, -0.5, 0.5, 2.0])
    law = backend.igr.IGR.from_probs(0.5, logits=backend.array(logits, dtype))
    atol = 1e-3 if dtype == "float32" else 1e-8
    expected = softmax(logits, -1)
    np.testing.assert_allclose(backend.numpy(law.probs), expected, atol=atol)


def test_masked_categories_leave_the_others_their_slopes(backend):
    def loc(logits):
        return backend.igr.IGR.from_probs(0.5, logits=logits).loc

    (found,) = backend.grad(loc, backend.array([0.0, -1e9, 0.5], "float32"))
    p = expit(-0.5)
    slope = p * (1 - p) / norm.pdf(norm.ppf(p))
    np.testing.assert_allclose(backend.numpy(found), [slope, 0, -slope], atol=1e-2)


def test_means_are_found_for_categories_that_are_rare_beside_others(backend):
    rng = np.random.default_rng(0)
    logits = -rng.uniform(size=(60, 4)) * np.geomspace(10, 1e5, 60)[:, None]
    logits[np.arange(60), rng.integers(4, size=60)] = 0
    law = backend.igr.IGR.from_probs(0.5, logits=backend.array(logits))
    found = np.array([log_argmax_probs(loc) for loc in backend.numpy(law.loc)])
    expected = log_softmax(logits, -1)
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.01)  # as documented


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rare_categories_beside_others_have_the_log_probabilities_documented(
    backend, dtype
):
    loc = np.random.default_rng(1).uniform(-15, 15, (100, 4))
    law = backend.igr.IGR(0.5, backend.array(loc, dtype), backend.array(1.0, dtype))
    expected = np.array([log_argmax_probs(each) for each in loc])
    assert (expected < -35).any(-1).mean() > 0.9
    found = backend.numpy(law.logits)
    np.testing.assert_allclose(found, expected, rtol=0.05, atol=0.01)


@pytest.mark.parametrize("name", MATCHED)
def test_weights_are_normalised(backend, name):
    law = getattr(backend.igr, name).from_probs(0.5, backend.array(7 * PROBS))
    np.testing.assert_allclose(backend.numpy(law.probs), PROBS, atol=1e-9)
    scaled = backend.igr.match_probs(backend.array(1e-3 * PROBS))
    expected = backend.igr.match_probs(backend.array(PROBS))
    np.testing.assert_allclose(backend.numpy(scaled), backend.numpy(expected))
    pair = [
        backend.igr.match_moments(backend.array(c * PROBS), 0.5, num_samples=100)[0]
        for c in (1, 3)
    ]
    np.testing.assert_allclose(*map(backend.numpy, pair))


@pytest.mark.parametrize("name", MATCHED)
@pytest.mark.parametrize("entry", [-np.inf, np.nan, np.finfo("float64").min])
def test_logits_that_are_not_finite_are_one_clear_error(backend, name, entry):
    logits = backend.array([0.0, entry, 0.0])
    with pytest.raises(ValueError, match="every entry of logits to be finite"):
        getattr(backend.igr, name).from_probs(0.5, logits=logits)


@pytest.mark.parametrize("batch", [(0,), (0, 3)])
@pytest.mark.parametrize("name", WITH_FLOW)
def test_a_batch_may_have_no_members(backend, name, batch):
    loc, scale = backend.array(np.zeros((*batch, 3))), backend.array(np.ones(3))
    with backend.validation(False):
        law = WITH_FLOW[name](backend.igr, 0.5, loc, scale)
        value = backend.sample(law, 0, (2,))
        assert value.shape == (2, *batch, 4)
        assert law.log_prob(value).shape == (2, *batch)
        assert law.probs.shape == law.mode.shape == (*batch, 4)
        assert backend.kl(law, law).shape == batch


def test_nothing_is_matched_where_there_is_nothing(backend):
    igr, none = backend.igr, backend.array(np.ones((0, 3)))
    assert igr.match_probs(none).shape == (0, 2)
    assert igr.match_moments(none, 0.5, num_samples=10)[0].shape == (0, 2)
    assert igr.truncate(none, 0.9).shape == (0, 3)
    with backend.validation(False):
        for name in MATCHED:
            assert getattr(igr, name).from_probs(0.5, none).loc.shape == (0, 2)
        counts = backend.dist.Poisson(backend.array(np.ones((0, 2))))
        assert igr.InfiniteIGR.from_discrete(0.5, counts).batch_shape == (0, 2)


def test_a_plain_rho_has_the_precision_of_the_parameters(backend):
    loc, one = backend.array([0.0, 0.0]), backend.array([1.0, 1.0])
    tail = backend.dist.Normal(backend.array([0.0, 0.0]), backend.array([1.0, 1.0]))
    for options in {}, {"tail": tail}:
        law = backend.igr.InfiniteIGR(0.5, loc, one, 0.99, **options)
        assert (backend.numpy(law.rho) == 0.99).all()
    weights = backend.array([0.99, 0.005, 0.005])
    # In single precision both would be 0.99 and 1e-8 more.
    assert backend.igr.num_active(weights, 0.99 - 1e-9) == 1
    assert backend.igr.num_active(weights, 0.99 + 1e-9) == 2


BOUNDARY = {
    "zero": [0.25, 0.0, 0.75, 0.0],
    "vertex": [0.0, 1.0, 0.0, 0.0],
    "denormal": [0.25, 1e-310, 0.5, 0.25],
}


@cache
def density_of(backend, name):
    """A function of the parameters and a value, the same for every test."""
    return lambda *args: LAWS[name](backend.igr, *args[:-1]).log_prob(args[-1])


@pytest.mark.parametrize("value", BOUNDARY.values(), ids=BOUNDARY)
@pytest.mark.parametrize("name", LAWS)
def test_the_gradient_of_a_density_on_the_boundary_is_finite(backend, name, value):
    loc, scale = backend.array([0.1, -0.4, 0.3]), backend.array([1.0, 0.5, 2.0])
    with np.errstate(divide="ignore"):
        value = np.log(value) if name == "exp_igr" else np.array(value)
    if name == "exp_igr":
        value = np.where(value < -700, -np.inf, value)
    value = backend.array(value)
    with backend.validation(False):
        inputs = backend.array(0.5), loc, scale, value
        found, *gradients = backend.value_and_grad(density_of(backend, name), *inputs)
    assert found == -np.inf
    assert all(np.isfinite(g).all() for g in gradients)


def test_the_gradient_of_a_gem_on_the_boundary_is_finite(backend):
    def density(alpha, value):
        return backend.igr.GEM(alpha, 3).log_prob(value)

    for value in BOUNDARY.values():
        inputs = backend.array(2.0), backend.array(value)
        found, *gradients = backend.value_and_grad(density, *inputs)
        assert found == -np.inf
        assert all(np.isfinite(g).all() for g in gradients)
