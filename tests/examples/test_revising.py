"""Components of a trained mixture are measured, judged and split, in both hosts."""

from copy import deepcopy

import numpy as np
import pytest
from tiny_mixture import IMAGE, fits, mixture_of_four

from examples.dp_mixture_vae.components import BetaSticks, nearest_gaussian
from examples.dp_mixture_vae.splitting import Split

ALPHA, NUM_DRAWS = 1.5, 400


@pytest.fixture(params=["pyro", "numpyro"])
def host(request):
    return request.param


@pytest.fixture
def mixture(host):
    return mixture_of_four(host, num_steps=30)


def test_what_an_image_says_of_components_agrees_with_quadrature(mixture):
    parts = mixture.parts()
    found = mixture.measure(NUM_DRAWS, parts.means[:, None])
    error = found.std(0) / np.sqrt(NUM_DRAWS)
    assert (abs(found.mean(0) - fits(parts)) < 4 * error + 1e-5).all()


def test_sticks_of_what_is_deleted_are_at_the_prior_and_training_goes_on(mixture):
    before = mixture.parts()
    found = mixture.judge()
    after, number = mixture.parts(), len(found.fit.components)
    kept = after.means[:number]
    assert 1 <= number < 4
    assert (after.means[number:] == 0).all()
    assert before.means.min() <= kept.min() <= kept.max() <= before.means.max()
    loc, scale, _ = nearest_gaussian(ALPHA)
    np.testing.assert_allclose(after.loc[number:], loc, rtol=1e-6)
    np.testing.assert_allclose(after.scale[number:], scale, rtol=1e-6)
    mixture.step()
    assert np.isfinite(mixture.step())


def test_parts_get_sticks_means_scores_and_the_moments_of_the_whole(host, monkeypatch):
    mixture = mixture_of_four(host, num_steps=3)
    sticks = BetaSticks.of_counts(np.array([20.0, 18, 12, 9, 5, 0]), ALPHA)
    means, weight, asked = (
        np.array([0.5, -0.5, 2, 3, 4]),
        np.array([0.1, -0.2, 0.3]),
        [],
    )
    of_scores = weight[None], 0.2 * np.ones(1)
    halves = Split(
        np.array([1, 0, 1, 0, 0]), means[:, None], sticks, *of_scores, [2, 3]
    )

    def split(*arguments):
        asked.extend(deepcopy(arguments[:-1]))
        return halves

    monkeypatch.setattr(f"examples.dp_mixture_vae.revision_{host}.split", split)
    found, before, moments = mixture.judge(), mixture.parts(), mixture.moments()
    assert mixture.split(found) == [2, 3]
    after, (encoded, images, old_means, counts, *rest) = mixture.parts(), asked
    number, num_sticks = len(found.fit.components), len(after.loc)
    assert num_sticks >= 5
    np.testing.assert_array_equal(images[0], IMAGE)
    np.testing.assert_array_equal(old_means[:, 0], before.means[:number])
    np.testing.assert_array_equal(counts[:-1], found.fit.counts[found.fit.components])
    assert rest == [ALPHA]
    np.testing.assert_array_equal(encoded.features[0], IMAGE)
    score = encoded.scores[0, 0]
    logits = score * before.means - before.means**2 / 2
    np.testing.assert_allclose(before.scores, logits, rtol=1e-5, atol=1e-6)
    code = before.code_loc[encoded.components[0]]
    assert encoded.codes[0, 0] == pytest.approx(code, rel=1e-5)
    np.testing.assert_allclose(after.means[:5], means)
    assert not after.means[5:].any()
    logits = (score + IMAGE @ weight + 0.2) * after.means - after.means**2 / 2
    np.testing.assert_allclose(after.scores, logits, rtol=1e-5, atol=1e-6)
    start, (loc, log_scale) = nearest_gaussian(ALPHA), sticks.breaks(num_sticks, ALPHA)
    np.testing.assert_allclose(after.loc, start[0] + loc, rtol=1e-5)
    np.testing.assert_allclose(after.scale, start[1] * np.exp(log_scale), rtol=1e-5)
    first, second, *_ = moments
    expected = [second, first, second, first, first]
    assert mixture.moments() == [*expected, *[0] * (num_sticks - 5)]
    mixture.step()
    assert np.isfinite(mixture.step())
