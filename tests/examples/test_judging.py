"""Components that held-out images do not need are deleted or merged, and no others."""

import numpy as np
import pytest
from scipy.special import ndtri, softmax
from scipy.stats import beta

from examples.dp_mixture_vae.components import (
    KINDS,
    LEVEL,
    BetaSticks,
    Fit,
    fit_sticks,
    judge,
)

ALPHA = 1.5
HEAPS = np.array([[-5.0], [5.0]])


def of_heaps(scale=4.0):
    """What 100 images in two heaps, of 60 and 40, say of components by their means."""
    codes = np.repeat(HEAPS, [60, 40], 0)
    return lambda means: -scale * (codes - means[:, 0]) ** 2


def judged(means, counts, measure=None, **rest):
    means, counts = np.array([*means, 0.0])[:, None], np.array(counts, float)
    return judge(measure or of_heaps(), means, counts, ALPHA, 100, **rest)


def kinds(found):
    return [KINDS[move.kind] for move in found.moves]


def test_a_copy_is_deleted_and_what_is_needed_stays_the_largest_first():
    found = judged([-5, 5, -5], [30, 40, 30, 0])
    assert found.fit.components.tolist() in ([0, 1], [2, 1])
    assert kinds(found) in (["deletion"], ["merge"])
    assert found.moves[0].after > found.moves[0].before
    kept = found.fit.components
    np.testing.assert_allclose(found.fit.counts[kept], [60, 40], atol=1e-6)
    np.testing.assert_allclose(found.fit.sticks.first, [61, 41])
    np.testing.assert_allclose(found.fit.sticks.second, [ALPHA + 40, ALPHA], atol=1e-6)


def test_components_on_both_sides_of_a_heap_are_merged_in_its_middle():
    found = judged([-5.5, 5, -4.5], [30, 40, 30, 0])
    assert kinds(found) == ["merge"]
    np.testing.assert_allclose(found.means[found.fit.components], HEAPS, atol=0.05)
    assert found.moves[0].after == pytest.approx(found.fit.bound)


def test_a_component_of_no_images_goes_without_a_word_unless_it_is_on_trial():
    found = judged([-5, 50, 5], [60, 0, 40, 0])
    assert found.fit.components.tolist() == [0, 2]
    assert not found.moves
    assert kinds(judged([-5, 50, 5], [60, 0, 40, 0], tried=[1])) == ["deletion"]


def test_the_last_component_is_not_deleted():
    def measure(means):
        return np.zeros((60, len(means)))

    assert len(judged([0, 0], [30, 30, 0], measure).fit.components) == 1


def test_no_split_is_noted_if_one_component_is_left():
    def measure(means):
        return np.zeros((60, len(means)))

    found = judged([0, 0], [30, 30, 0], measure, tried=[0, 1])
    assert len(found.fit.components) == 1
    assert kinds(found) in (["deletion"], ["merge"])


def test_a_split_that_is_needed_is_noted_with_the_bound_without_it():
    found = judged([-5, 5], [60, 40, 0], tried=[1])
    assert kinds(found) == ["split"]
    (move,) = found.moves
    without = judged([-5, 50], [100, 0, 0]).fit
    assert move.after == pytest.approx(found.fit.bound)
    assert move.before == pytest.approx(without.bound, rel=0.5)
    assert move.before < move.after - 1


def test_the_bound_is_the_sum_over_components_minus_every_kl():
    rng = np.random.default_rng(0)
    fits = rng.normal(size=(100, 4))
    counts, components = np.array([30.0, 40.0, 30.0, 0.0]), np.array([0, 1])
    found = fit_sticks(fits, ALPHA, 100, components, counts)
    log_weights, left, kl = [], 0.0, 0.0
    prior = beta(1, ALPHA)
    for a, b in zip(*found.sticks, strict=True):
        stick = beta(a, b)
        log_weights.append(left + stick.expect(np.log))
        left += stick.expect(lambda u: np.log1p(-u))
        kl += stick.expect(lambda u, q=stick: q.logpdf(u) - prior.logpdf(u))
    columns = [*found.components, 3]
    log_weights = np.array([*log_weights, left])
    probs = softmax(log_weights + fits[:, columns], 1)
    terms = fits[:, columns] + log_weights - np.log(probs)
    expected = (probs * terms).sum(1).mean() - kl / 100
    assert found.bound == pytest.approx(expected, rel=1e-6)


def fit_with(bounds, kl=0.0):
    sticks = BetaSticks(np.ones(1), np.ones(1))
    return Fit(np.arange(1), np.ones(2), sticks, np.array(bounds), kl, 10)


def test_what_is_needed_gains_more_than_noise_and_the_price_of_its_sticks():
    without, enough = fit_with(np.zeros(10)), -np.log(LEVEL / 7) / 10
    assert fit_with(np.full(10, enough + 1e-6)).is_needed(without, 7)
    assert not fit_with(np.full(10, enough - 1e-6)).is_needed(without, 7)
    assert not fit_with(np.full(10, enough + 1e-6), kl=0.1).is_needed(without, 7)
    loss = 50.0
    gain = -ndtri(LEVEL / 7) * np.sqrt(2) * loss + loss
    assert fit_with([gain * 1.001, -loss, *np.zeros(8)]).is_needed(without, 7)
    assert not fit_with([gain * 0.999, -loss, *np.zeros(8)]).is_needed(without, 7)


def test_a_likelihood_ratio_seldom_passes_the_level_if_the_simpler_fit_is_true():
    rng, passed = np.random.default_rng(0), 0
    for shift in np.repeat([0.05, 0.2, 0.5, 2.0], 500):
        z = rng.standard_normal(100)
        two = np.logaddexp(shift * z - shift**2 / 2, 0) - np.log(2)
        passed += fit_with(two).is_needed(fit_with(np.zeros(100)), 1)
    assert passed <= LEVEL * 2000
