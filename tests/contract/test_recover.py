"""Recovering the one-hot distribution behind any relaxed one, in any wrapper."""

from contextlib import nullcontext

import numpy as np
import pytest
from cases import WITH_FLOW

PROBS = np.array([[0.5, 0.2, 0.3], [0.1, 0.6, 0.3]])
TAU = 0.5


def host_family(backend, name):
    has_own = hasattr(backend.igr, name)
    return getattr(backend.igr if has_own else backend.dist, name)


OF_PROBS = [
    "RelaxedOneHotCategorical",
    "RelaxedOneHotCategoricalStraightThrough",
    "ExpRelaxedOneHotCategorical",
    "ExpectedOneHotCategorical",
    "OneHotCategorical",
]


def of_probs(backend, name):
    tau, probs = backend.array(TAU), backend.array(PROBS)
    is_relaxed = "Relaxed" in name
    return host_family(backend, name)(*([tau] if is_relaxed else []), probs)


def wrapped(backend, law, wrapper):
    """A distribution in a wrapper of the host."""
    return {
        "none": lambda x: x,
        "event": lambda x: x.to_event(1),
        "mask": lambda x: x.mask(backend.array([True, False], "bool")),
        "expanded": lambda x: x.expand((4, 2)),
        "wrapper": lambda x: backend.dist.ExpandedDistribution(x, (4, 2)),
        "all": lambda x: x.expand((4, 2)).mask(False).to_event(1),
    }[wrapper](law)


@pytest.mark.parametrize(
    "wrapper", ["none", "event", "mask", "expanded", "wrapper", "all"]
)
@pytest.mark.parametrize("name", OF_PROBS)
def test_the_probabilities_and_the_wrappers_are_kept(backend, name, wrapper):
    found = backend.igr.recover(wrapped(backend, of_probs(backend, name), wrapper))
    plain = host_family(backend, "OneHotCategorical")(backend.array(PROBS))
    expected = wrapped(backend, plain, wrapper)
    assert found.batch_shape == expected.batch_shape
    assert found.event_shape == expected.event_shape
    value = backend.array(np.eye(3)[[0, 2]])
    pair = (backend.numpy(x.log_prob(value)) for x in (found, expected))
    np.testing.assert_allclose(*pair, rtol=1e-6)


@pytest.mark.parametrize("name", WITH_FLOW)
def test_every_family_recovers_its_own_probabilities(backend, name):
    loc, scale = backend.array([[0.3, -0.5], [1.0, 0.2]]), backend.array(0.8)
    law = WITH_FLOW[name](backend.igr, TAU, loc, loc * 0 + scale)
    found = backend.igr.recover(law.expand((3, 2)).to_event(2))
    assert type(found.base_dist).__name__ == "OneHotCategorical"
    assert found.event_shape == (3, 2, 3)
    probs = backend.numpy(law.probs)
    np.testing.assert_allclose(backend.numpy(found.base_dist.probs)[1], probs)


@pytest.mark.parametrize("name", ["IGR", *OF_PROBS])
def test_it_is_validated_as_the_relaxed_one_is(backend, name):
    family, off = host_family(backend, name), backend.array([0.5, 0.2, 0.2])
    tau = [0.5] if name == "IGR" or "Relaxed" in name else []
    given = [backend.array(PROBS[0, 1:])] * 2 if tau and name == "IGR" else []
    given = given or [backend.array(PROBS[0])]
    for of_host in (True, False):
        with backend.validation(of_host):
            law = family(*tau, *given, validate_args=not of_host)
            found = backend.igr.recover(law)
            refuses = pytest.raises((ValueError, UserWarning), match="support")
            with nullcontext() if of_host else refuses:
                found.log_prob(off)


def test_the_one_hot_variable_behind_its_mean_has_values_at_vertices(backend):
    found = backend.igr.recover(of_probs(backend, "ExpectedOneHotCategorical"))
    assert type(found).__name__ == "OneHotCategorical"


def test_what_stands_for_no_one_hot_distribution_is_refused(backend):
    normal = backend.dist.Normal(backend.array([0.0, 0.0]), 1.0).to_event(1)
    with pytest.raises(ValueError, match="one-hot distribution, got Normal"):
        backend.igr.recover(normal)
