"""The exact ELBO against sums over all categories."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

PRIOR = np.array([0.5, 0.3, 0.2])
MEANS = np.array([-1.0, 0.5, 2.0])
X = np.array([-1.4, 0.1, 2.5])
LOG_JOINT = np.log(PRIOR) + norm.logpdf(X[:, None], MEANS)
LOGITS = np.array([[0.3, -0.2, 0.0], [1.0, 0.5, -1.0], [0.0, 0.1, 2.0]])
ROWS = np.array([[0.7, 0.3], [0.4, 0.6], [0.1, 0.9]])
GUIDE_ROWS = np.array([[0.5, 0.5], [0.2, 0.8], [0.6, 0.4]])
EXACT = 1e-10


@pytest.fixture
def engine(host):
    return host.igr.TraceEnumeratedDiscrete_ELBO()


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def mixture(host, by=1.0, mask=True):
    def model():
        with host.plate("data", 3), host.scale(by), host.mask(mask):
            prior = host.igr.IGRStickBreaking.from_probs(0.5, host.array(PRIOR))
            z = host.sample("z", prior)
            x = host.normal(z @ host.array(MEANS))
            host.sample("x", x, obs=host.array(X))

    return model


def guide(host, logits, by=1.0, mask=True):
    def run():
        with host.plate("data", 3), host.scale(by), host.mask(mask):
            host.sample("z", host.one_hot(logits=logits))

    return run


def elbos(logits):
    """Of each datum of the mixture."""
    q = softmax(logits)
    return (q * (LOG_JOINT - np.log(q))).sum(-1)


def slopes(logits):
    q = softmax(logits)
    f = LOG_JOINT - np.log(q)
    return q * (f - (q * f).sum(-1, keepdims=True))


@pytest.mark.parametrize("count", [1, 2])
def test_the_bound_and_its_gradient_are_exact_in_a_plate(backend, host, count):
    engine = host.igr.TraceEnumeratedDiscrete_ELBO(count)

    def elbo(logits):
        pair = mixture(host, by=2.0), guide(host, logits, by=2.0)
        return -host.loss(engine, *pair)

    found, gradient = backend.value_and_grad(elbo, backend.array(LOGITS))
    assert abs(found - 2 * elbos(LOGITS).sum()) < EXACT
    assert abs(gradient - 2 * slopes(LOGITS)).max() < EXACT


def test_masked_data_do_not_count(backend, host, engine):
    known = np.array([True, False, True])
    pair = mixture(host, mask=known), guide(host, backend.array(LOGITS), mask=known)
    found = host.loss_once(engine, *pair)
    assert abs(found + elbos(LOGITS)[known].sum()) < EXACT


def test_it_is_the_mean_of_the_losses_of_the_host(backend, host, engine):
    pair = mixture(host), guide(host, backend.array(LOGITS))
    discrete = host.igr.discretize(pair[0]), pair[1]
    losses = host.losses(host.TRACE, *discrete)
    exact = host.loss_once(engine, *pair)
    assert abs(losses.mean() - exact) < 4 * losses.std() / len(losses) ** 0.5


def chain(host, first, rows, *, is_model):
    """A category, two that depend on it, and what is observed of all in one number."""
    a = host.sample("a", host.one_hot(host.array(first)))
    row = (a @ host.array(rows))[..., None, :]
    law = host.one_hot(row * host.array(np.ones((2, 1))))
    b = host.sample("b", law.to_event(1))
    if is_model:
        mean = a @ host.array(MEANS) + b[..., 0, 0] - 2 * b[..., 1, 0]
        host.sample("x", host.normal(mean), obs=host.array(0.7))


def test_sites_may_depend_on_one_another(backend, host, engine):
    first = softmax(LOGITS[0])
    exact = 0.0
    for i, j, k in product(range(3), range(2), range(2)):
        q = first[i] * GUIDE_ROWS[i, j] * GUIDE_ROWS[i, k]
        log_p = np.log(PRIOR[i] * ROWS[i, j] * ROWS[i, k])
        mean = MEANS[i] + (j == 0) - 2 * (k == 0)
        exact += q * (log_p + norm.logpdf(0.7, mean) - np.log(q))
    found = host.loss_once(
        engine,
        lambda: chain(host, PRIOR, ROWS, is_model=True),
        lambda: chain(host, first, GUIDE_ROWS, is_model=False),
    )
    assert abs(found + exact) < EXACT


def shared(host, probs, rows, data=None):
    """A category that data share, and one of each datum."""
    s = host.sample("s", host.one_hot(host.array(probs)))
    with host.plate("data", 3):
        z = host.sample("z", host.one_hot(host.array(rows)))
        if data is not None:
            means = host.array(MEANS) + (s @ host.array([0.0, 0.5]))[..., None]
            x = host.normal((z * means).sum(-1))
            host.sample("x", x, obs=host.array(data))


def test_sites_that_data_share_are_summed_with_those_of_all_data(backend, host, engine):
    q_s, q_z = np.array([0.3, 0.7]), softmax(LOGITS)
    exact = 0.0
    for s, shift in enumerate([0.0, 0.5]):
        log_joint = np.log(PRIOR) + norm.logpdf(X[:, None], MEANS + shift)
        each = (q_z * (log_joint - np.log(q_z))).sum()
        exact += q_s[s] * (np.log([0.4, 0.6][s] / q_s[s]) + each)
    pair = (
        lambda: shared(host, [0.4, 0.6], np.tile(PRIOR, (3, 1)), X),
        lambda: shared(host, q_s, q_z),
    )
    assert abs(host.loss_once(engine, *pair) + exact) < EXACT
    few = host.igr.TraceEnumeratedDiscrete_ELBO(max_configurations=53)
    message = "sites 's', 'z' have 54 joint values, more than max_configurations=53"
    with pytest.raises(ValueError, match=message):
        host.loss(few, *pair)


def test_impossible_categories_have_no_part(backend, host, engine):
    logits = np.where(np.arange(3) == 1, -1.7e308, LOGITS)
    found = host.loss_once(engine, mixture(host), guide(host, backend.array(logits)))
    q = softmax(logits)
    exact = (q * (LOG_JOINT - np.log(np.where(q > 0, q, 1)))).sum()
    assert abs(found + exact) < EXACT


def with_offset(host, probs, loc, scale, data=None):
    with host.plate("data", 3):
        z = host.sample("z", host.one_hot(host.array(probs)))
        law = host.dist.Normal(host.array(loc), host.array(scale))
        u = host.sample("u", law)
        if data is not None:
            x = host.normal(z @ host.array(MEANS) + u)
            host.sample("x", x, obs=host.array(data))


def test_continuous_sites_are_drawn(backend, host, engine):
    """At u ~ N(0, s^2) the bound is known, and nothing else is noise."""
    s, q = 0.01, softmax(LOGITS)
    pair = (
        lambda: with_offset(host, np.tile(PRIOR, (3, 1)), [0.0] * 3, [s] * 3, X),
        lambda: with_offset(host, q, [0.0] * 3, [s] * 3),
    )
    found = host.loss_once(engine, *pair)
    assert 1e-6 < abs(found + elbos(LOGITS).sum()) < 0.1


def test_max_configurations_is_a_count(host):
    with pytest.raises(ValueError, match="max_configurations to be positive, got 0"):
        host.igr.TraceEnumeratedDiscrete_ELBO(max_configurations=0)


@pytest.mark.parametrize("name", ["enumerated", "unordered set"])
def test_a_masked_variable_outside_of_the_plates_is_a_part_of_joint_values(host, name):
    q, x, means = np.array([0.3, 0.7]), np.array([0.4, -1.0]), np.array([0.0, 2.0])

    def run(is_model=True):
        with host.mask(False):
            g = host.sample("g", host.one_hot(host.array(q)))
        with host.plate("data", 2):
            z = host.sample("z", host.one_hot(host.array(q)))
            if is_model:
                center = ((z + g) * host.array(means)).sum(-1)
                host.sample("x", host.normal(center), obs=host.array(x))

    squares = (x[:, None, None] - means[:, None] - means) ** 2
    expected = np.log(2 * np.pi) + (squares @ q @ q).sum() / 2
    of_all = host.igr.TraceEnumeratedDiscrete_ELBO()
    engine = of_all if name == "enumerated" else host.igr.TraceUnorderedSet_ELBO(8)
    loss = host.estimates(engine, run, partial(run, False), {})["loss"]
    np.testing.assert_allclose(loss, expected, rtol=1e-6)
