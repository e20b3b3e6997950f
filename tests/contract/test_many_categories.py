"""Thousands of categories: what is matched there, and in how much memory."""

import numpy as np
import pytest
from scipy.special import softmax

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def logits_of(k, dtype="float64"):
    """From alike to far apart; with a rare last category, and with a frequent one."""
    rng = np.random.default_rng(k)
    logits = np.array([[2], [1], [0.1], [1], [1], [1]]) * rng.normal(size=(6, k))
    logits[3, -1], logits[4, -1], logits[5, 0] = -8, 9, 9
    return np.clip(logits, -8, 9).astype(dtype)


@every_dtype
def test_a_matrix_of_low_rank_is_solved_as_a_full_one(backend, dtype):
    rng = np.random.default_rng(0)
    parts = [rng.uniform(1, 2, (3, 50)), *rng.normal(size=(2, 3, 50, 4))]
    diagonal, left, right = parts
    full = diagonal[..., None] * np.eye(50) + left @ right.swapaxes(-1, -2)
    vector = rng.normal(size=(3, 50))
    low_rank = backend.igr._numerics.low_rank
    matrix = low_rank.DiagonalPlusLowRank(*(backend.array(x, dtype) for x in parts))
    found = backend.numpy(low_rank.solve(matrix, backend.array(vector, dtype)))
    expected = np.linalg.solve(full, vector[..., None])[..., 0]
    tolerance = {"float32": 1e-4, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize(("rule", "k"), [("equal", 150), ((16, 8), 270)])
def test_the_factors_of_the_jacobian_are_those_of_autodiff(backend, rule, k):
    loc, scale = np.random.default_rng(0).normal(size=k - 1), backend.array([1.0])
    discrete = backend.igr.discrete
    panels = () if rule == "equal" else rule

    def log_odds(loc):
        log_probs = discrete.log_argmax_probs(loc, scale, *panels)
        return log_probs[:-1] - log_probs[-1:]

    loc, target = backend.array(loc), backend.array(np.zeros(k))
    factors = backend.evaluate(
        lambda loc: discrete._log_odds.residual_and_jacobian(
            loc, target, scale + 0 * loc, rule
        )[1],
        loc,
    )
    diagonal, left, right = map(backend.numpy, factors)
    found = np.diag(diagonal) + left @ right.T
    np.testing.assert_allclose(found, backend.jacobian(log_odds, loc), atol=1e-6)


MATCHED = {
    "300": (300, "float64", ()),
    "300 by panels": (300, "float64", (16, 8)),
    "10,000": (10_000, "float32", ()),
}


def matched(backend, dtype, panels):
    """The probabilities to which logits are matched."""
    discrete, scale = backend.igr.discrete, backend.array([0.7], dtype)

    def probs(logits):
        loc = discrete.match_log_probs(logits, scale, *panels)
        return discrete.argmax_probs(loc, scale, *panels)

    return probs


@pytest.mark.parametrize(("k", "dtype", "panels"), MATCHED.values(), ids=MATCHED)
def test_probabilities_are_met(backend, k, dtype, panels):
    logits = logits_of(k, dtype)
    found = matched(backend, dtype, panels)(backend.array(logits, dtype))
    error = np.abs(backend.numpy(found) - softmax(logits.astype("float64"), -1))
    assert error.sum(-1).max() < {"float32": 3e-6, "float64": 1e-10}[dtype]


@pytest.mark.parametrize("name", ["300 by panels", "10,000"])
def test_gradients_undo_each_other(backend, name):
    k, dtype, panels = MATCHED[name]
    logits = logits_of(k, dtype)[:2]
    weights = np.random.default_rng(1).normal(size=logits.shape)
    probs, given = matched(backend, dtype, panels), backend.array(weights, dtype)
    (found,) = backend.grad(lambda x: probs(x) * given, backend.array(logits, dtype))
    exact = softmax(logits.astype("float64"), -1)
    slopes = exact * (weights - (exact * weights).sum(-1, keepdims=True))
    error = np.abs(backend.numpy(found) - slopes).max()
    assert error < {"float32": 1e-6, "float64": 1e-9}[dtype]


def test_a_root_has_the_second_derivatives_that_a_full_matrix_gives(backend):
    factors = np.random.default_rng(2).normal(size=(2, 3, 1))
    point, full = np.array([0.3, -0.5, 1.0]), factors[0] @ factors[1].T
    target = backend.array(point + point**3 + full @ point)
    full, left, right, point = map(backend.array, (full, *factors, point))
    numerics, identity = backend.igr._numerics, backend.array(np.eye(3))

    def objective(target, *, is_factored):
        def excess(x, target):
            diagonal = 1 + 3 * x**2
            matrix = numerics.low_rank.DiagonalPlusLowRank(diagonal, left, right)
            dense = identity * diagonal + full
            return x + x**3 + full @ x - target, matrix if is_factored else dense

        return (numerics.newton.implicit_root(point, excess, target) ** 3).sum()

    at = backend.numpy(target)
    pair = [
        backend.second_derivatives(lambda x, f=f: objective(x, is_factored=f), at, [at])
        for f in (False, True)
    ]
    for full, factored in zip(*pair, strict=True):
        np.testing.assert_allclose(factored, full, rtol=1e-9)


def test_chunks_have_the_values_and_derivatives_of_the_whole(backend):
    chunks = backend.igr._numerics.chunks
    rng = np.random.default_rng(3)
    x, y = backend.array(rng.normal(size=(3, 5, 2))), backend.array([[[0.5]]])

    def whole(x, y):
        return (x**3 * y).cumsum(-1)

    def chunked(x, y):
        return chunks.by_chunks(whole, chunks.CHUNK // 2, x, y + 0 * x[..., :1])

    pair = [backend.numpy(fn(x, y)) for fn in (whole, chunked)]
    np.testing.assert_array_equal(*pair)
    pair = [backend.grad(fn, x, y) for fn in (whole, chunked)]
    for expected, found in zip(*pair, strict=True):
        np.testing.assert_allclose(backend.numpy(found), backend.numpy(expected))
    x = rng.normal(size=10)
    (whole_hessian, _), (hessian, _) = (
        backend.second_derivatives(
            lambda x, fn=fn: (fn(x.reshape(5, 2), y[0]) ** 2).sum(), x, [x]
        )
        for fn in (whole, chunked)
    )
    np.testing.assert_allclose(hessian, whole_hessian)


def given_the_first(backend, loc, scale):
    """Gaussians given that the first is the largest."""
    first = np.eye(1000)[:1]
    sample = backend.igr.discrete.gaussians_given_argmax
    return sample(0.5 * loc, backend.array(first, "float32"), loc, scale)


def largest_of_10(backend, loc, scale):
    """Probabilities of the largest of 10 weights, by few points and nodes."""
    probs = backend.igr.discrete.largest_weight_probs
    return probs(loc[:40].reshape(-1, 9), scale[:9], 4, 16)


FUNCTIONS = {
    "argmax_probs": (96, lambda backend, *args: backend.igr.argmax_probs(*args)),
    "panels": (24, lambda backend, *args: backend.igr.argmax_probs(*args, 16, 8)),
    "match_probs": (
        96,
        lambda backend, loc, _: backend.igr.discrete.match_log_probs(loc),
    ),
    "gaussians_given_argmax": (24, given_the_first),
    "largest_weight_probs": (96, largest_of_10),
}


@pytest.mark.parametrize(("batch", "fn"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_no_array_is_larger_than_a_chunk(backend, batch, fn):
    loc = np.random.default_rng(4).normal(size=(batch, 999))
    loc, scale = backend.array(loc, "float32"), backend.array(np.ones(999), "float32")
    largest = backend.largest_array(lambda loc: fn(backend, loc, scale), loc)
    # A factor has one column more than there are nodes.
    assert largest <= 27 / 26 * backend.igr._numerics.chunks.CHUNK
