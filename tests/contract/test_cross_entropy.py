"""The cross-entropy of one-hot distributions: finite where it is, else infinite."""

from importlib import import_module

import numpy as np
import pytest
from scipy.special import rel_entr

Q, P = np.array([0.2, 0.3, 0.5]), np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]])


def cross_entropy(backend, q, p):
    module = import_module(f"{backend.igr.__name__}.infer._cross_entropy")
    return module.cross_entropy(q, p)


def one_hot(backend, dtype="float64", **given):
    has_own = hasattr(backend.igr, "OneHotCategorical")
    family = (backend.igr if has_own else backend.dist).OneHotCategorical
    ((name, value),) = given.items()
    return family(**{name: backend.array(value, dtype)}, validate_args=False)


def test_it_is_the_kl_and_the_entropy(backend):
    q, p = one_hot(backend, probs=Q), one_hot(backend, probs=P)
    found = backend.numpy(cross_entropy(backend, q, p))
    expected = rel_entr(Q, P).sum(-1) - (Q * np.log(Q)).sum()
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_probability_that_underflows_is_not_0(backend, dtype):
    gap = {"float32": 200.0, "float64": 2000.0}[dtype]
    q = one_hot(backend, dtype, logits=[0.0, 0.0])
    p = one_hot(backend, dtype, logits=[0.0, -gap])
    found = backend.numpy(cross_entropy(backend, q, p))
    assert found == pytest.approx(gap / 2, rel=1e-6)


LACKING = {"probs": [0.5, 0.5, 0.0], "logits": [0.0, 0.0, -np.inf]}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LACKING)
def test_it_is_infinite_only_where_a_category_is_lacking(backend, name, dtype):
    p, q = one_hot(backend, dtype, **{name: LACKING[name]}), one_hot(backend, probs=Q)
    assert backend.numpy(cross_entropy(backend, q, p)) == np.inf
    found = backend.numpy(cross_entropy(backend, p, p))
    assert found == pytest.approx(np.log(2), rel=1e-6)


@pytest.mark.parametrize("q", ["q", "p"])
def test_its_gradient_is_finite_beside_a_lacking_category(backend, q):
    def objective(logits):
        p = type(one_hot(backend, probs=Q))(logits=logits, validate_args=False)
        other = one_hot(backend, probs=Q if q == "p" else LACKING["probs"])
        pair = (p, other) if q == "p" else (other, p)
        return cross_entropy(backend, *pair)

    (found,) = backend.grad(objective, backend.array(LACKING["logits"]))
    assert np.isfinite(backend.numpy(found)).all()
