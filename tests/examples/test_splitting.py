"""Components that hold two groups are split, and no others."""

import numpy as np
import pytest

from examples.dp_mixture_vae.splitting import (
    Encoded,
    divide,
    halve,
    halve_images,
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


def flip(templates, number, rate, rng):
    """Images of templates with some pixels flipped, so many of each."""
    pixels = np.repeat(templates, number, axis=0)
    return (pixels ^ (rng.random(pixels.shape) < rate)).astype(float)


@pytest.mark.parametrize("rate", [0.05, 0.25, 0.5])
@pytest.mark.parametrize("number", [40, 400])
def test_images_of_one_group_are_seldom_worth_dividing(rate, number):
    rng = np.random.default_rng(0)
    groups = [rng.random((1, 64)) > 0.5 for _ in range(20)]
    gains = [halve_images(flip(each, number, rate, rng)).gain for each in groups]
    assert np.mean(np.array(gains) > 0) <= 0.05
    assert np.mean(gains) < -3


@pytest.mark.parametrize("rate", [0.05, 0.25])
def test_images_of_two_groups_with_the_same_codes_are_divided_by_group(rate):
    rng = np.random.default_rng(0)
    images = flip(rng.random((2, 64)) > 0.5, 60, rate, rng)
    images = rng.permutation(images)
    codes, none = rng.standard_normal((120, 3)), np.zeros(120, int)
    parts = divide(none, 1, codes, images, ALPHA)
    assert len(parts) == 2
    assert all(each.by_images for each in parts)
    for each in parts:
        own = images[each.members]
        assert abs(own - own.mean(0).round()).mean() < rate + 0.05


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


BLANK = np.zeros((600, 4))


def never(*_):
    raise AssertionError("codes are enough")


def split_of(said, means, counts, images=BLANK, explain=never):
    return split(said, images, means, counts, ALPHA, explain)


def test_both_halves_become_components_and_the_scores_tell_them_apart(encoded):
    heap, means, said = encoded
    counts = np.append(np.bincount(said.components), 5.0)
    found = split_of(said, means, counts)
    assert sorted(found.parents.tolist()) == [0, 1, 2, 2, 3, 3]
    assert sorted(found.parents[found.tried]) == [2, 3]
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


def test_what_only_images_tell_apart_gets_the_codes_that_explain_them(encoded):
    heap, means, said = encoded
    images = np.where((heap == 0)[:, None], np.arange(600)[:, None] % 3 == 0, BLANK)
    images, asked = np.repeat(images, 4, axis=1), []
    said = said._replace(components=np.where(heap < 2, heap, -1))

    def explain(codes, pixels, counts):
        asked.append((codes, pixels, counts))
        return codes + pixels[:, :1]

    counts = np.array([300.0, 300, 5])
    found = split_of(said, means[:2], counts, images, explain)
    assert sorted(found.parents.tolist()) == [0, 0, 1]
    [(codes, pixels, numbers)] = asked
    np.testing.assert_allclose(codes, [[9, 0], [9, 0]], atol=0.05)
    np.testing.assert_allclose(sorted(pixels[:, 0]), [0, 1], atol=1e-12)
    assert numbers.sum() == np.sum(heap == 0)
    assert sorted(found.means[found.parents == 0, 1].round()) == [0, 1]
    np.testing.assert_allclose(found.sticks.first.sum(), 603)


def test_nothing_changes_if_nothing_is_split(encoded):
    heap, means, said = encoded
    said = said._replace(components=np.where(heap < 2, heap, 4))
    found = split_of(said, means, np.array([4.0, 3, 2, 1, 5]))
    np.testing.assert_array_equal(found.means, means)
    assert not found.weight.any()
    assert not found.bias.any()
    assert not found.tried
