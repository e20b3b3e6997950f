"""A posterior of the concentration, and large concentrations, against quadrature."""

import numpy as np
import pytest
from scipy.special import betaln, logsumexp

COUNTS = np.array([5, 3, 2])
BEYOND = COUNTS[::-1].cumsum()[::-1] - COUNTS
LABELS = np.repeat(np.arange(len(COUNTS)), COUNTS)
SHAPE, RATE = 2.0, 1.0


def log_evidence(alpha):
    """The log probability of the labels, in nats."""
    sticks = [betaln(1 + n, alpha + m) for n, m in zip(COUNTS, BEYOND, strict=True)]
    return len(COUNTS) * np.log(alpha) + np.sum(sticks, 0)


def quadrature():
    """The mean and the standard deviation of the concentration, and log p(labels)."""
    log_alpha = np.linspace(-12, 6, 4000)
    alpha = np.exp(log_alpha)
    log_joint = SHAPE * log_alpha - RATE * alpha + log_evidence(alpha)  # Gamma(2, 1)
    total = logsumexp(log_joint)
    weights = np.exp(log_joint - total)
    mean = weights @ alpha
    evidence = total + np.log(log_alpha[1] - log_alpha[0])
    return mean, np.sqrt(weights @ alpha**2 - mean**2), evidence


def see(host, weights):
    with host.plate("data", len(LABELS)):
        labels = host.dist.Categorical(weights)
        host.sample("labels", labels, obs=host.array(LABELS))


def sticks(host, alpha, num_sticks):
    """Gaussian sticks that follow the tail, in part.

    One with no label beyond it is as far from the tail at each concentration; one that
    many labels are beyond stays where it is.
    """
    values = {"loc": 0.0, "follow": 1.0, "scale": 1.0}
    of = {"scale": {"constraint": host.positive}}
    loc, follow, scale = (
        host.param(k, host.array(np.full(num_sticks, x)), **of.get(k, {}))
        for k, x in values.items()
    )
    tail = {"tail": host.igr.GEM(alpha, 1)}
    law = host.igr.InfiniteIGR(None, loc, scale, 1.0, **tail)
    tail_loc, tail_scale = host.igr.tail_start(law, num_sticks)
    loc, scale = loc + follow * tail_loc, scale * tail_scale
    return host.igr.InfiniteIGR(None, loc, scale, 1.0, **tail)


# Numbers of particles and steps, and the rate. Sticks that no label needs take longer.
SHORT, LONG = (100, 150, 0.1), (20, 400, 0.05)


def fit(host, model, guide, particles, steps, rate):
    engine = host.MEAN_FIELD(**host.particles(particles, 1))
    losses, _, end = host.fit(engine, model, guide, steps, rate)
    return -losses[-steps // 2 :].mean(), end


@pytest.mark.parametrize(
    ("num_sticks", "start", "training"), [(3, 0.3, SHORT), (8, 6.0, LONG)]
)
def test_a_learned_concentration_has_the_posterior_of_quadrature(
    host, num_sticks, start, training
):
    def model():
        alpha = host.sample("alpha", host.dist.Gamma(SHAPE, RATE))
        see(host, host.sample("weights", host.igr.GEM(alpha, num_sticks)))

    def guide():
        shape, rate = (
            host.param(name, host.array(value), constraint=host.positive)
            for name, value in (("shape", SHAPE), ("rate", SHAPE / start))
        )
        alpha = host.sample("alpha", host.dist.Gamma(shape, rate))
        host.sample("weights", sticks(host, alpha, num_sticks))

    bound, end = fit(host, model, guide, *training)
    mean, deviation, evidence = quadrature()
    np.testing.assert_allclose(end["shape"] / end["rate"], mean, rtol=0.1)
    found = np.sqrt(end["shape"]) / end["rate"]
    np.testing.assert_allclose(found, deviation, rtol=0.2)
    assert evidence - 0.25 < bound < evidence + 0.02
    unused = slice(len(COUNTS), None)  # which say nothing of the concentration
    np.testing.assert_allclose(end["loc"][unused], 0, atol=1e-9)
    np.testing.assert_allclose(end["scale"][unused], 1, atol=1e-9)


@pytest.mark.parametrize("alpha", [5.0, 20.0])
def test_at_a_large_concentration_the_rest_is_as_large_as_it_should_be(host, alpha):
    size = len(COUNTS)
    known = host.array(alpha)

    def model():
        see(host, host.sample("weights", host.igr.GEM(known, size)))

    def guide():
        host.sample("weights", sticks(host, known, size))

    bound, end = fit(host, model, guide, *SHORT)
    evidence = log_evidence(alpha)
    assert evidence - 0.15 < bound < evidence + 0.02
    tail = {"tail": host.igr.GEM(known, 1)}
    law = host.igr.InfiniteIGR(None, host.array(end["loc"]), 1.0, **tail)
    tail_loc, tail_scale = (np.asarray(x) for x in host.igr.tail_start(law, size))
    logit = end["loc"] + end["follow"] * tail_loc
    noise = np.random.default_rng(0).normal(size=(100_000, size))
    left = 1 / (1 + np.exp(logit + end["scale"] * tail_scale * noise))
    expected = np.prod((alpha + BEYOND) / (1 + COUNTS + alpha + BEYOND))
    np.testing.assert_allclose(left.prod(-1).mean(), expected, rtol=0.05)


@pytest.mark.parametrize("alpha", [5.0, 20.0])
def test_draws_occupy_as_many_components_as_the_process_does(backend, alpha):
    tail = backend.igr.GEM(backend.array(alpha), 1)
    law = backend.igr.InfiniteIGR(
        None, backend.array([-1.0, -1.0]), backend.array([1.0, 1.0]), 1.0, tail=tail
    )
    loc, scale = backend.igr.tail_start(law, 2)
    law = backend.igr.InfiniteIGR(None, loc, scale, 1.0, tail=tail)
    weights = backend.sample(law, 0, (2000,))
    weights = backend.numpy(backend.break_rest(law, 1, weights, 300))
    assert weights[:, -1].max() < 1e-3
    uniform = np.random.default_rng(0).random((2000, 30, 1))
    component = (weights.cumsum(-1)[:, None, :-1] < uniform).sum(-1)
    number = 1 + (np.diff(np.sort(component)) > 0).sum(-1)
    expected = (alpha / (alpha + np.arange(30))).sum()
    assert abs(number.mean() - expected) < 4.5 * number.std() / np.sqrt(2000) + 0.05
