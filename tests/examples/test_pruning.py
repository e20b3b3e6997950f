"""Components that the bound does without are deleted, and no others."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import beta
from tiny_mixture import fits, mixture_of_four

from examples.dp_mixture_vae.components import (
    Terms,
    fit_sticks,
    nearest_gaussian,
    prune,
)

ALPHA, NUM_DRAWS = 1.5, 400


@pytest.fixture
def terms():
    """Groups of 60 and 40 images with a component each, a copy of one, and the rest."""
    is_first = np.arange(100)[:, None] < 60
    fits = np.where(is_first, [-5.0, -50, -5, -90], [-50.0, -5, -50, -90])
    return Terms(fits, fits + 0.1)


def test_a_copy_is_deleted_and_what_is_needed_stays_the_largest_first(terms):
    counts = np.array([30.0, 40.0, 30.0, 0.0])
    before = fit_sticks(terms, ALPHA, 100, np.arange(3), counts)
    found = prune(terms, counts, ALPHA, 100)
    assert found.components.tolist() in ([0, 1], [2, 1])
    assert found.bound > before.bound
    np.testing.assert_allclose(found.counts[found.components], [60, 40], atol=1e-6)
    np.testing.assert_allclose(found.sticks.first, [61, 41])
    np.testing.assert_allclose(found.sticks.second, [ALPHA + 40, ALPHA], atol=1e-6)


def test_a_component_of_no_images_is_deleted(terms):
    empty = Terms(terms.fits[:, [0, 3, 1, 3]], terms.scores[:, [0, 3, 1, 3]])
    found = prune(empty, np.array([60.0, 0, 40, 0]), ALPHA, 100)
    assert found.components.tolist() == [0, 2]


def test_the_last_component_is_not_deleted(terms):
    copies = Terms(terms.fits[:60, [0, 0, 3]], terms.scores[:60, [0, 0, 3]])
    assert len(prune(copies, np.array([30.0, 30, 0]), ALPHA, 60).components) == 1


def test_the_bound_is_the_sum_over_components_minus_every_kl(terms):
    counts = np.array([30.0, 40.0, 30.0, 0.0])
    found = fit_sticks(terms, ALPHA, 100, np.array([1, 0]), counts)
    log_weights, left, kl = [], 0.0, 0.0
    prior = beta(1, ALPHA)
    for a, b in zip(*found.sticks, strict=True):
        stick = beta(a, b)
        log_weights.append(left + stick.expect(np.log))
        left += stick.expect(lambda u: np.log1p(-u))
        kl += stick.expect(lambda u, q=stick: q.logpdf(u) - prior.logpdf(u))
    columns = [*found.components, 3]
    log_weights = np.array([*log_weights, left])
    probs = softmax(log_weights + terms.scores[:, columns], 1)
    terms_of = terms.fits[:, columns] + log_weights - np.log(probs)
    expected = (probs * terms_of).sum(1).mean() - kl / 100
    assert found.bound == pytest.approx(expected, rel=1e-6)


@pytest.fixture(params=["pyro", "numpyro"])
def mixture(request):
    return mixture_of_four(request.param, num_steps=30)


def test_what_an_image_says_of_components_agrees_with_quadrature(mixture):
    parts, terms = mixture.parts(), mixture.measure(NUM_DRAWS)
    error = terms.fits.std(0) / np.sqrt(NUM_DRAWS)
    assert (abs(terms.fits.mean(0) - fits(parts)) < 4 * error + 1e-5).all()
    expected = np.broadcast_to(parts.scores, terms.scores.shape)
    np.testing.assert_allclose(terms.scores, expected, rtol=1e-5, atol=1e-6)


def test_pruned_sticks_are_at_the_prior_and_training_goes_on(mixture):
    before = mixture.parts()
    mixture.prune()
    after = mixture.parts()
    kept = after.means[after.means != 0]
    assert 1 <= len(kept) < 4
    assert np.isin(kept, before.means).all()
    loc, scale, _ = nearest_gaussian(ALPHA)
    np.testing.assert_allclose(after.loc[len(kept) :], loc, rtol=1e-6)
    np.testing.assert_allclose(after.scale[len(kept) :], scale, rtol=1e-6)
    mixture.step()
    assert np.isfinite(mixture.draws(1)).all()
