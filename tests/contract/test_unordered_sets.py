"""Sets drawn without replacement, against the sum over all orders of drawing."""

from itertools import combinations, permutations, product

import numpy as np
import pytest

K = 6


def probs_of(concentration, size=K, seed=0):
    rng = np.random.default_rng(seed)
    probs = np.maximum(rng.dirichlet(np.full(size, concentration)), 1e-6)
    return probs / probs.sum()


def set_probability(members, probs, barred=()):
    """That these are the first to be drawn, in any order, from all but the barred."""
    total = 0.0
    for order in permutations(members):
        left, probability = 1 - sum(probs[i] for i in barred), 1.0
        for i in order:
            probability, left = probability * probs[i] / left, left - probs[i]
        total += probability
    return total


def without(members, *others):
    return [i for i in members if i not in others]


@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_weights_and_baselines_are_ratios_of_the_probabilities_of_sets(backend, size):
    batch, every = [probs_of(1.0), probs_of(0.1)], range(size)
    log_probs = backend.array(np.log(batch).T[:size])
    weights, baselines = backend.igr.discrete.set_weights(log_probs)
    for i, p in enumerate(batch):
        whole = set_probability(every, p)
        one = [set_probability(without(every, s), p, (s,)) for s in every]
        expected = [p[s] * one[s] / whole for s in every]
        np.testing.assert_allclose(backend.numpy(weights)[:, i], expected, rtol=1e-9)
        found = backend.numpy(baselines)[..., i]
        for s, t in permutations(every, 2):
            two = p[t] * set_probability(without(every, s, t), p, (s, t)) / one[s]
            assert found[s, t] == pytest.approx(two, rel=1e-9)
        diagonal = p[:size] if size > 1 else [0]
        np.testing.assert_allclose(found.diagonal(), diagonal, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_set_of_everything_weighs_by_the_probabilities(backend, dtype):
    p = np.stack([probs_of(1.0), probs_of(0.05), [1 - 5e-12, *[1e-12] * 5]], 1)
    log_p = backend.array(np.log(p), dtype)
    weights, baselines = backend.igr.discrete.set_weights(log_p)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(backend.numpy(weights), p, atol=tolerance)
    expected = np.broadcast_to(p, (K, *p.shape))
    np.testing.assert_allclose(backend.numpy(baselines), expected, atol=tolerance)


def test_configurations_of_any_depth_have_finite_weights(backend):
    log_p = np.array([[-2000.0, -0.7, -170], [-2001, -3, -170], [-2003, -300, -171]])
    found = backend.igr.discrete.set_weights(backend.array(log_p, "float32"))
    for weights in found:
        assert np.isfinite(backend.numpy(weights)).all()
    # Drawing from very many: with or without replacement hardly matters.
    np.testing.assert_allclose(backend.numpy(found[0])[:, 0], 1 / 3, rtol=1e-4)


def test_leave_one_out_takes_the_mean_of_the_others_as_the_baseline(backend):
    log_p = backend.array(np.log(probs_of(1.0))[:4].reshape(4, 1))
    weights, baselines = backend.igr.discrete.leave_one_out_weights(log_p)
    np.testing.assert_allclose(backend.numpy(weights), np.full((4, 1), 0.25))
    f = np.array([1.0, 5.0, -2.0, 3.0])
    others = [np.delete(f, s).mean() for s in range(4)]
    np.testing.assert_allclose(backend.numpy(baselines)[..., 0] @ f, others)


@pytest.mark.parametrize("shape", [(1, 3, 2), (2, 5, 2), (3, 2, 1)])
def test_a_set_of_more_than_all_configurations_is_refused(backend, shape):
    log_probs = backend.array(np.zeros((shape[0], shape[2])))
    gumbels = backend.array(np.random.default_rng(0).gumbel(size=shape))
    with pytest.raises(ValueError, match=r"expected gumbels to have .*, got S = "):
        backend.igr.discrete.draw_set(log_probs, gumbels)


@pytest.mark.parametrize("shape", [(1, 3, 3), (2, 4, 2), (500, 5, 3)])
def test_a_set_of_up_to_all_configurations_is_distinct(backend, shape):
    log_probs = backend.array(np.zeros((shape[0], shape[2])))
    gumbels = backend.array(np.random.default_rng(0).gumbel(size=shape))
    codes = backend.numpy(backend.igr.discrete.draw_set(log_probs, gumbels))
    assert len({*map(tuple, codes)}) == shape[1]


def test_sets_are_distinct_and_as_frequent_as_drawing_one_by_one(backend):
    rows = np.array([probs_of(1.0, 3, 1), [*probs_of(1.0, 2, 2), 0.0]])
    n, size = 20_000, 3
    gumbels = np.random.default_rng(0).gumbel(size=(n, 2, size, 3))
    with np.errstate(divide="ignore"):
        log_probs = backend.array(np.log(np.broadcast_to(rows, (n, 2, 3))))
    codes = backend.igr.discrete.draw_set(log_probs, backend.array(gumbels))
    codes = np.sort(backend.numpy(codes) @ [2, 1], 0).T
    assert (np.diff(codes, axis=1) > 0).all()
    joint = [rows[0, i] * rows[1, j] for i, j in product(range(3), range(2))]
    for members in combinations(range(6), size):
        expected = set_probability(members, joint)
        error = np.sqrt(expected * (1 - expected) / n)
        found = (codes == members).all(1).mean()
        assert abs(found - expected) < 4.5 * error
