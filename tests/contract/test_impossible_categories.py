"""Discrete distributions with a category that the relaxed ones cannot reach, or hardly.

Oracle: sums over the other categories, and mpmath for the rare ones.
"""

import mpmath as mp
import numpy as np
import pytest
from scipy.special import rel_entr

LOC, OTHER = np.array([0.3, -0.4, 0.2]), np.array([-0.1, 0.5, 0.9])


def unreachable(backend, loc):
    """Eq. 18: the last category never wins."""
    loc = backend.array(loc) if isinstance(loc, np.ndarray) else loc
    law = backend.igr.IGRStickBreaking(0.5, loc, 1 + 0 * loc, tempering="softmax++")
    return law.to_discrete()


def probs_of(backend, law):
    return backend.numpy(law.probs)


def test_a_category_that_neither_has_adds_nothing(backend):
    q, p = unreachable(backend, LOC), unreachable(backend, OTHER)
    assert probs_of(backend, q)[-1] == probs_of(backend, p)[-1] == 0
    expected = rel_entr(probs_of(backend, q), probs_of(backend, p)).sum()
    found = backend.numpy(backend.kl(q, p))
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    some = probs_of(backend, q)[:-1]
    entropy = -(some * np.log(some)).sum()
    np.testing.assert_allclose(backend.numpy(q.entropy()), entropy, rtol=1e-10)
    assert backend.numpy(q.log_prob(backend.array(np.eye(4)[-1]))) < -1e300


def test_the_kl_to_a_distribution_that_lacks_a_category_is_infinite(backend):
    whole = backend.igr.IGRStickBreaking(0.5, backend.array(LOC), backend.array([1.0]))
    assert backend.numpy(
        backend.kl(whole.to_discrete(), unreachable(backend, LOC))
    ) == (np.inf)


def test_gradients_pass_by_a_category_without_probability(backend):
    whole = backend.igr.IGRStickBreaking(0.5, backend.array(LOC), backend.array([1.0]))
    others = unreachable(backend, OTHER), whole.to_discrete()

    def total(loc):
        q = unreachable(backend, loc)
        return backend.kl(q, others[0]) + backend.kl(q, others[1]) + q.entropy()

    def by_hand(loc):
        q = probs_of(backend, unreachable(backend, loc))
        kls = [rel_entr(q, probs_of(backend, p)).sum() for p in others]
        return sum(kls) - (q[:-1] * np.log(q[:-1])).sum()

    (found,) = backend.grad(total, backend.array(LOC))
    steps = 1e-5 * np.eye(3)
    expected = [(by_hand(LOC + e) - by_hand(LOC - e)) / 2e-5 for e in steps]
    # The quadrature of the weights moves its nodes, which the gradient leaves alone.
    np.testing.assert_allclose(backend.numpy(found), expected, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rare_category_has_its_logarithm(backend, dtype):
    law = backend.igr.IGRStickBreaking(
        0.5, backend.array([-20.0, 0.3], dtype), backend.array([1.0, 1.0], dtype)
    )
    found = backend.numpy(law.to_discrete().logits)[0]
    assert found == pytest.approx(float(mp.log(mp.ncdf(-20))), rel=1e-6)
