"""IGRFlow: the distribution of a flow before softmax++, in both hosts."""

import numpy as np
import pytest
from scipy.stats import norm

LOC = np.array([[0.3, -0.8, 1.1], [0.0, 0.5, -0.2]])
SCALE = np.array([[0.7, 1.2, 0.4], [1.0, 0.6, 0.9]])


def planar(backend, seed):
    u, w = np.random.default_rng(seed).normal(size=(2, 3))
    return backend.igr.PlanarTransform(backend.array(u), backend.array(w), 0.3)


def layers(backend):
    return [planar(backend, 0), planar(backend, 1)]


def make(backend, flow, temperature=0.5, loc=LOC, delta=2.0):
    loc, scale = backend.array(loc), backend.array(SCALE)
    return backend.igr.IGRFlow(temperature, loc, scale, flow, delta)


def test_the_density_is_that_of_the_gaussian_and_the_jacobian(backend):
    flow = layers(backend)
    law = make(backend, flow, loc=LOC[:1])
    y = np.random.default_rng(2).normal(size=3)

    def simplex(y):
        for part in flow:
            y = part(y)
        return backend.igr.SoftmaxPlusPlusTransform(0.5, 2.0)(y)

    point = backend.array(y)
    log_det = np.linalg.slogdet(backend.jacobian(simplex, point)[:-1])[1]
    residual = (y - LOC[0]) / SCALE
    gaussian = -(residual**2 / 2 + np.log(SCALE) + np.log(2 * np.pi) / 2).sum(-1)
    found = backend.numpy(law.log_prob(simplex(point)))
    np.testing.assert_allclose(found, gaussian - log_det, rtol=1e-10)


def test_samples_have_a_finite_density_and_gradients(backend):
    flow = layers(backend)

    def score(loc, scale):
        law = backend.igr.IGRFlow(0.5, loc, scale, flow)
        return law.log_prob(backend.detach(backend.sample(law, 0, (20,))))

    for gradient in backend.grad(score, backend.array(LOC), backend.array(SCALE)):
        assert np.isfinite(backend.numpy(gradient)).all()
        assert (backend.numpy(gradient) != 0).all()


def test_with_one_flow_the_kl_is_that_of_the_gaussians(backend):
    flow = layers(backend)
    p, q = make(backend, flow), make(backend, flow, loc=0 * LOC)
    scale = backend.array(SCALE)
    same = [
        backend.igr.IGR(0.5, backend.array(loc), scale, 2.0) for loc in (LOC, 0 * LOC)
    ]
    expected = backend.numpy(backend.kl(*same))
    np.testing.assert_allclose(backend.numpy(backend.kl(p, q)), expected, rtol=1e-10)


@pytest.mark.parametrize("change", ["flow", "temperature", "delta"])
def test_there_is_no_kl_without_all_in_common(backend, change):
    flow = layers(backend)
    other = {
        "flow": lambda: make(backend, layers(backend)),
        "temperature": lambda: make(backend, flow, temperature=0.6),
        "delta": lambda: make(backend, flow, delta=1.0),
    }
    with pytest.raises(NotImplementedError, match=f"of the same {change}"):
        backend.kl(make(backend, flow), other[change]())


def test_the_discrete_distribution_counts_where_the_gaussians_go(backend):
    flow = layers(backend)
    law = make(backend, flow, temperature=0.01, delta=1.0)
    draws = backend.numpy(backend.sample(law, 0, (20_000,))).argmax(-1)
    frequencies = (draws[..., None] == np.arange(4)).mean(0)
    probs, error = map(backend.numpy, law.probs_and_error())
    bound = 4.5 * (error + np.sqrt(frequencies * (1 - frequencies) / len(draws))) + 1e-4
    assert (np.abs(probs - frequencies) < bound).all()
    np.testing.assert_allclose(probs.sum(-1), 1)
    np.testing.assert_allclose(backend.numpy(law.probs), probs, atol=2e-4)
    np.testing.assert_array_equal(law.probs, law.probs)


def test_a_category_that_is_never_drawn_has_half_a_count(backend):
    flow = backend.igr.PlanarTransform(*map(backend.array, ([0.0, 0.0], [0.0, 0.0])))
    loc = backend.array([-9.0, 0.0])
    law = backend.igr.IGRFlow(0.5, loc, backend.array(np.ones(2)), flow)
    probs, error = map(backend.numpy, law.probs_and_error())
    assert probs[0] == error[0] == 0
    expected = (10_000 * probs + 0.5) / 10_001.5
    np.testing.assert_allclose(backend.numpy(law.probs), expected, rtol=1e-12)
    np.testing.assert_allclose(backend.numpy(law.logits), np.log(expected), rtol=1e-12)


def test_the_error_of_probabilities_is_that_of_antithetic_pairs(backend):
    u, w = backend.array([0.5]), backend.array([1.0])  # increasing, and 0 at 0
    flow = backend.igr.PlanarTransform(u, w, 0.0)
    loc = backend.array([[0.0], [0.1], [-0.5], [1.0]])
    law = backend.igr.IGRFlow(0.5, loc, backend.array(np.ones(1)), flow)
    probs, error = map(backend.numpy, law.probs_and_error(20_000))
    rare = norm.sf(np.abs(backend.numpy(loc)))
    np.testing.assert_allclose(probs.min(-1), rare[:, 0], atol=0.01)
    # Of a pair, the rarer category is chosen once or never.
    expected = np.sqrt(rare * (1 - 2 * rare) / 20_000)
    np.testing.assert_allclose(error, np.broadcast_to(expected, (4, 2)), rtol=0.1)


def test_the_error_of_two_pairs_is_half_their_difference_and_one_pair_has_none(backend):
    flow = backend.igr.PlanarTransform(*map(backend.array, ([0.0], [0.0])))
    loc = backend.array(np.linspace(-1, 1, 21)[:, None])
    law = backend.igr.IGRFlow(0.5, loc, backend.array(np.ones(1)), flow)
    found = backend.numpy(law.probs_and_error(4)[1]).round(12)
    assert {0.25} < {*found.flat} <= {0.0, 0.25, 0.5}
    assert np.isnan(backend.numpy(law.probs_and_error(2)[1])).all()


def test_expanding_keeps_the_distribution_and_its_kl(backend):
    flow = planar(backend, 0)
    law = make(backend, flow)
    wide = law.expand((5, 2))
    z = backend.sample(law, 0)
    found, expected = (backend.numpy(x.log_prob(z)) for x in (wide, law))
    np.testing.assert_allclose(found, np.broadcast_to(expected, (5, 2)))
    np.testing.assert_allclose(backend.numpy(backend.kl(wide, wide)), np.zeros((5, 2)))
    assert backend.sample(wide, 0).shape == (5, 2, 4)


def test_probabilities_have_the_batch_of_the_temperature(backend):
    one = backend.array(LOC[0]), backend.array(SCALE[0])
    q = backend.igr.IGRFlow(backend.array(np.ones(5)), *one, layers(backend))
    for found in q.probs_and_error(100):
        assert found.shape == (5, 4)


def test_no_distribution_is_built_from_probabilities(backend):
    probs = backend.array(np.ones(4) / 4)
    with pytest.raises(ValueError, match="IGRFlow has none"):
        backend.igr.IGRFlow.from_probs(0.5, probs, flow=planar(backend, 0))


def test_the_batch_of_the_flow_is_one_of_the_distribution(backend):
    u, w = np.random.default_rng(0).normal(size=(2, 2, 3))
    flow = backend.igr.PlanarTransform(backend.array(u), backend.array(w))
    assert backend.sample(make(backend, flow), 0).shape == (2, 4)
    one = backend.array(LOC[0]), backend.array(SCALE[0])
    with pytest.raises(ValueError, match=r"batch of flow .* \(2, 3\) of .* \(3,\)"):
        backend.igr.IGRFlow(0.5, *one, flow)


def test_a_flow_keeps_the_length_of_points(backend):
    lengthening = backend.igr.StickBreakingTransform(1.0)
    with pytest.raises(ValueError, match="points of 3 entries .* points of 4 entries"):
        make(backend, lengthening)


def test_a_part_of_a_flow_for_points_of_another_length_is_named(backend):
    part = backend.igr.PlanarTransform(*map(backend.array, np.ones((2, 2))))
    words = "flow to map points of .* loc has, 3, but PlanarTransform raised: .* 2 ent"
    with pytest.raises(ValueError, match=words):
        make(backend, part)


def test_counting_some_samples_at_a_time_counts_them_all(backend):
    loc = backend.array(np.random.default_rng(3).normal(size=(60, 3)))
    flow, scale = layers(backend), backend.array(SCALE[0])
    many = backend.numpy(backend.igr.IGRFlow(0.5, loc, scale, flow).probs)
    for i in 0, 59:
        one = backend.numpy(backend.igr.IGRFlow(0.5, loc[i], scale, flow).probs)
        np.testing.assert_allclose(many[i], one, rtol=1e-12)
