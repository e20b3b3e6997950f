"""Components that hold two groups are split, and no others."""

from copy import deepcopy

import numpy as np
import pytest
from tiny_mixture import IMAGE, mixture_of_four

from examples.dp_mixture_vae.components import (
    BetaSticks,
    Encoded,
    Split,
    halve,
    nearest_gaussian,
    split,
)

ALPHA = 1.5


def log_prob_of_seating(counts):
    """The log-probability that images come to components, one image after another."""
    num_seated, log_prob = 0, 0.0
    for count in counts:
        for before in range(count):
            log_prob += np.log((before or ALPHA) / (num_seated + ALPHA))
            num_seated += 1
    return log_prob


def test_the_gain_is_the_nearness_of_codes_and_how_probable_the_parts_are():
    codes = np.repeat([[-3.0, 1.0], [3.0, 1.0]], [24, 40], axis=0)
    found = halve(codes, ALPHA)
    order = np.argsort(found.means[:, 0])
    np.testing.assert_allclose(found.means[order], [[-3, 1], [3, 1]], atol=1e-12)
    np.testing.assert_allclose(found.shares[order], [24 / 64, 40 / 64])
    mean = 3 * (40 - 24) / 64
    nearness = (12 * (3 + mean) ** 2 + 20 * (3 - mean) ** 2) / 2
    ratio = log_prob_of_seating([12, 20]) - log_prob_of_seating([32])
    assert found.gain == pytest.approx(nearness + ratio, rel=1e-12)


@pytest.mark.parametrize("latent", [1, 10, 50])
@pytest.mark.parametrize("number", [100, 400])
def test_codes_of_the_prior_are_seldom_worth_dividing(number, latent):
    rng = np.random.default_rng(0)
    gains = [
        halve(rng.standard_normal((number, latent)), ALPHA).gain for _ in range(20)
    ]
    assert np.mean(np.array(gains) > 0) <= 0.05
    assert np.mean(gains) < -10


@pytest.mark.parametrize("number", [0, 1, 2, 9])
def test_equal_codes_are_not_divided(number):
    assert halve(np.ones((number, 3)), ALPHA).gain == -np.inf


@pytest.fixture
def encoded():
    """Two components of one heap and two of two, the last with the most to gain."""
    rng = np.random.default_rng(0)
    heaps = np.array([[9.0, 0], [-9, 0], [0, 9], [0, 12], [-3, -9], [3, -9]])
    heap = rng.integers(0, 6, 600)
    noise = 0.1 * rng.standard_normal((600, 2))
    codes, features = heaps[heap] + noise, np.eye(6)[heap]
    means = np.array([[9.0, 0], [-9, 0], [0, 10.5], [0, -9]])
    components = np.array([0, 1, 2, 2, 3, 3])[heap]
    return heap, means, Encoded(components, codes, features, means[components])


def test_both_halves_become_components_and_the_scores_tell_them_apart(encoded):
    heap, means, said = encoded
    counts = np.append(np.bincount(said.components), 5.0)
    found = split(said, means, counts, 9, ALPHA)
    assert sorted(found.parents.tolist()) == [0, 1, 2, 2, 3, 3]
    sizes = found.sticks.first - 1
    assert (np.diff(sizes) <= 0).all()
    assert sizes.sum() == pytest.approx(600)
    assert found.sticks.second[-1] == ALPHA + 5
    np.testing.assert_array_equal(found.means[found.parents < 2].sum(0), [0, 0])
    scores = said.scores + said.features @ found.weight.T + found.bias
    logits = scores @ found.means.T - (found.means**2).sum(1) / 2
    for each in range(6):
        nearest = np.unique(logits[heap == each].argmax(1))
        of_heap = said.codes[heap == each].mean(0)
        assert len(nearest) == 1
        np.testing.assert_allclose(found.means[nearest[0]], of_heap, atol=0.2)
        assert sizes[nearest[0]] == pytest.approx(np.sum(heap == each), rel=0.2)
    assert abs(scores - said.scores)[heap < 2].max() < 0.1


def test_those_that_gain_most_are_split_if_there_are_few_sticks(encoded):
    _, means, said = encoded
    counts = np.append(np.bincount(said.components), 5.0)
    assert np.bincount(split(said, means, counts, 5, ALPHA).parents).tolist() == [
        1,
        1,
        1,
        2,
    ]


def test_nothing_changes_if_nothing_is_split(encoded):
    _, means, said = encoded
    found = split(said, means, np.array([4.0, 3, 2, 1, 5]), 4, ALPHA)
    np.testing.assert_array_equal(found.means, means)
    assert not found.weight.any()
    assert not found.bias.any()


@pytest.fixture(params=["pyro", "numpyro"])
def mixture(request):
    return mixture_of_four(request.param, num_steps=3)


def test_halves_have_the_sticks_means_and_scores_and_the_moments_of_the_whole(
    mixture, monkeypatch
):
    sticks = BetaSticks.of_counts(np.array([20.0, 18, 12, 0]), ALPHA)
    means, weight, asked = np.array([0.5, -0.5, 2]), np.array([0.1, -0.2, 0.3]), []
    halves = Split(
        np.array([1, 0, 1]), means[:, None], sticks, weight[None], 0.2 * np.ones(1)
    )

    def split(*arguments):
        asked.extend(deepcopy(arguments))
        return halves

    host = type(mixture).__module__.removeprefix("tiny_mixture_")
    monkeypatch.setattr(f"examples.dp_mixture_vae.revision_{host}.split", split)
    found, before, moments = mixture.prune(), mixture.parts(), mixture.moments()
    mixture.split(found)
    after, (encoded, old_means, counts, *rest) = mixture.parts(), asked
    number = len(found.components)
    np.testing.assert_array_equal(old_means[:, 0], before.means[:number])
    np.testing.assert_array_equal(counts[:-1], found.counts[found.components])
    assert rest == [4, ALPHA]
    np.testing.assert_array_equal(encoded.features[0], IMAGE)
    score = encoded.scores[0, 0]
    logits = score * before.means - before.means**2 / 2
    np.testing.assert_allclose(before.scores, logits, rtol=1e-5, atol=1e-6)
    code = before.code_loc[encoded.components[0]]
    assert encoded.codes[0, 0] == pytest.approx(code, rel=1e-5)
    np.testing.assert_allclose(after.means, [*means, 0, 0])
    logits = (score + IMAGE @ weight + 0.2) * after.means - after.means**2 / 2
    np.testing.assert_allclose(after.scores, logits, rtol=1e-5, atol=1e-6)
    start, (loc, log_scale) = nearest_gaussian(ALPHA), sticks.breaks(4, ALPHA)
    np.testing.assert_allclose(after.loc, start[0] + loc, rtol=1e-5)
    np.testing.assert_allclose(after.scale, start[1] * np.exp(log_scale), rtol=1e-5)
    assert mixture.moments() == [moments[1], moments[0], moments[1], 0]
    mixture.step()
    assert np.isfinite(mixture.draws(1)).all()
