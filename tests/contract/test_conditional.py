"""The noise given its category: by rejection, by finite differences, in the tails."""

import numpy as np
import oracle
import pytest
from scipy import stats
from scipy.special import expit, log_ndtr

LOC, SCALE = np.array([0.3, -0.6, 0.9]), np.array([0.8, 1.1, 0.6])
LOGITS = np.log([0.1, 0.2, 0.3, 0.4])
K, COUNT = 4, 4000
NAMES = "gaussians_given_argmax", "gaussians_given_stick", "gumbels_given_argmax"


def parameters(name):
    return (LOGITS,) if name == "gumbels_given_argmax" else (LOC, SCALE)


def category_of(name, y):
    """The category of noise, from the definition."""
    if name == "gumbels_given_argmax":
        return y.argmax(-1)
    ends = np.ones((*y.shape[:-1], 1))
    if name == "gaussians_given_argmax":
        return np.concatenate([y, 0 * ends], -1).argmax(-1)
    return np.concatenate([y > 0, ends], -1).argmax(-1)


def prior_sample(name, rng, count):
    if name == "gumbels_given_argmax":
        return LOGITS + rng.gumbel(size=(count, K))
    return LOC + SCALE * rng.normal(size=(count, K - 1))


def log_odds(name, seed, *shape):
    size = K if name == "gumbels_given_argmax" else K - 1
    return np.random.default_rng(seed).logistic(size=(*shape, size))


def statistics(y):
    """Every coordinate, and two functions of them together."""
    return [*y.T, y.sum(-1), np.prod(np.cos(y), -1)]


@pytest.mark.parametrize("name", NAMES)
def test_noise_given_its_category_is_that_which_rejection_keeps(backend, name):
    draw = getattr(backend.igr.discrete, name)
    y = prior_sample(name, np.random.default_rng(0), 100_000)
    kept = [y[category_of(name, y) == k][:COUNT] for k in range(K)]
    vertices = np.broadcast_to(np.eye(K)[:, None], (K, COUNT, K))
    arguments = log_odds(name, 1, K, COUNT), vertices, *parameters(name)
    found = backend.numpy(draw(*map(backend.array, arguments)))
    for k in range(K):
        assert (category_of(name, found[k]) == k).all()
        pairs = zip(statistics(found[k]), statistics(kept[k]), strict=True)
        for ours, theirs in pairs:
            assert stats.ks_2samp(ours, theirs).pvalue > 1e-3


def below(maximum, k, loc, scale):
    """The chance of a smaller maximum, given that it is the k-th Gaussian."""
    t, weights = oracle.nodes_between_steps(loc, scale, maximum)
    u = (t - loc) / scale
    log_density = np.delete(log_ndtr(u), k, -1).sum(-1) - 0.5 * u[:, k] ** 2
    masses = weights[:, 0] * np.exp(log_density - log_density.max())
    return masses[t[:, 0] < maximum].sum() / masses.sum()


@pytest.mark.parametrize(
    ("low", "high", "share", "bound"), [(0.1, 2.0, 1, 1e-5), (0.05, 5.0, 0.98, 1e-3)]
)
def test_the_largest_is_below_itself_as_often_as_its_noise_says(
    backend, low, high, share, bound
):
    rng = np.random.default_rng(0)
    loc = 2 * rng.normal(size=(100, K - 1))
    scale = np.exp(rng.uniform(np.log(low), np.log(high), loc.shape))
    category = np.argmax(loc + scale * rng.normal(size=loc.shape), -1)
    noise = np.repeat(rng.logistic(size=(100, 1)), K - 1, -1)
    arguments = map(backend.array, (noise, np.eye(K)[category], loc, scale))
    y = backend.numpy(backend.igr.discrete.gaussians_given_argmax(*arguments))
    laws = zip(y.max(-1), category, loc, scale, strict=True)
    error = np.abs([below(*law) for law in laws] - expit(noise[:, 0]))
    assert np.quantile(error, share) < bound


def test_so_it_is_where_a_wide_one_is_beside_narrow_ones(backend):
    rng = np.random.default_rng(1)
    loc, scale = 20 + rng.normal(size=(30, K - 1)), np.ones((30, K - 1))
    loc[:, 0] += rng.uniform(-40, 20, 30)
    scale[:, 0] = 20
    category = rng.integers(K - 1, size=30)
    noise = np.repeat(rng.logistic(size=(30, 1)), K - 1, -1)
    arguments = map(backend.array, (noise, np.eye(K)[category], loc, scale))
    y = backend.numpy(backend.igr.discrete.gaussians_given_argmax(*arguments))
    laws = [*zip(y.max(-1), category, loc, scale, strict=True)]
    probs = [oracle.argmax_probs(*law[2:])[law[1]] for law in laws]
    assert np.min(probs) > 1e-3
    error = np.abs([below(*law) for law in laws] - expit(noise[:, 0]))
    assert error.max() < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_its_gradient_agrees_with_finite_differences_of_a_mean(backend, name):
    draw = getattr(backend.igr.discrete, name)
    noise = backend.array(log_odds(name, 2, 200, K))
    vertices = backend.array(np.broadcast_to(np.eye(K), (200, K, K)))

    def mean(*given):
        y = draw(noise, vertices, *given)
        return ((y + 1) ** 2).prod(-1).mean()

    def at(values):  # both, since jax compiles that once for all points
        return backend.value_and_grad(mean, *map(backend.array, values))

    values = parameters(name)
    _, *gradients = at(values)
    for i, gradient in enumerate(gradients):
        for j in range(len(values[i])):
            ends = []
            for sign in (1, -1):
                moved = [v.copy() for v in values]
                moved[i][j] += sign * 1e-5
                ends.append(float(at(moved)[0]))
            expected = (ends[0] - ends[1]) / 2e-5
            assert gradient[j] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES[:2])
def test_it_is_finite_with_its_gradient_at_extreme_means(backend, name, dtype):
    draw = getattr(backend.igr.discrete, name)
    loc = np.array([[30.0, -30.0, 0.0], [-30.0, -30.0, -30.0], [30.0, 30.0, 30.0]])
    noise = np.concatenate([log_odds(name, 3, 5, K, 3), np.full((2, K, 3, 3), 15.9)])
    noise[-1] *= -1
    arguments = noise, np.eye(K)[:, None], loc, np.full(3, 1.0)
    noise, vertices, loc, scale = (backend.array(x, dtype) for x in arguments)
    inputs = loc, scale
    for found in backend.value_and_grad(
        lambda *xs: draw(noise, vertices, *xs), *inputs
    ):
        assert np.isfinite(found).all()
