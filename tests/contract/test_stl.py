"""TraceSTL_ELBO: no gradient at the posterior, the ordinary one in mean."""

from functools import partial

import numpy as np
import pytest

N, X = 3, np.array([[0.7, -0.4], [0.1, 0.9], [-1.2, 0.3]])
ZERO, ONE = np.zeros(2), np.ones(2)


def alr(log_z, tau):
    return tau * (log_z[..., :-1] - log_z[..., -1:])


def sticks(host, z, tau):
    return host.igr.StickBreakingTransform(tau).inv(z)


TO_GAUSSIANS = {
    "IGR": lambda host, z, tau: alr(host.log(z), tau),
    "IGR of delta 3": lambda host, z, tau: alr(host.log(z), tau) + tau * np.log(3),
    "ExpIGR": lambda host, z, tau: alr(z, tau),
    "IGRStickBreaking": sticks,
    "InfiniteIGR": sticks,
}


def family_of(host, name):
    """A family whose values are images of Gaussians: none is truncated."""
    options = {"InfiniteIGR": {"rho": 1.0}, "IGR of delta 3": {"delta": 3.0}}
    return partial(getattr(host.igr, name.split()[0]), **options.get(name, {}))


def categorical(host, name, tau, loc, scale):
    """Observed Gaussians of a relaxed code: the posterior is in the family."""
    family, to_gaussians = family_of(host, name), TO_GAUSSIANS[name]

    def model():
        with host.plate("data", N, subsample_size=2) as i:
            prior = family(2 * tau, host.array(2 * ZERO), host.array(2 * ONE))
            z = host.sample("z", prior)
            x = host.dist.Normal(to_gaussians(host, z, tau), 0.5).to_event(1)
            host.sample("x", x, obs=host.array(X)[i])

    def guide():
        m = host.param("loc", host.array(loc))
        s = host.exp(host.param("log_scale", host.array(np.log(scale))))
        with host.plate("data", N, subsample_size=2) as i:
            host.sample("z", family(tau, m[i], s[i]))

    return model, guide


def chain(host, slope):
    """Two Gaussians, the second given the first in model and guide."""
    x, normal = 0.6, host.dist.Normal
    start = {"a_loc": x / 3, "a_scale": (2 / 3) ** 0.5}
    start |= {"slope": slope, "b_scale": 0.5**0.5}

    def model():
        a = host.sample("a", normal(host.array(0.0), 1.0))
        b = host.sample("b", normal(a, 1.0))
        host.sample("x", normal(b, 1.0), obs=host.array(x))

    def guide():
        p = {n: host.param(n, host.array(at)) for n, at in start.items()}
        a = host.sample("a", normal(p["a_loc"], p["a_scale"]))
        host.sample("b", normal(p["slope"] * (a + x), p["b_scale"]))

    return model, guide


def with_scores(host):
    """Sites whose score has another mean than zero: a moving support, and densities."""
    normal, zero = host.dist.Normal, host.array(0.0)
    auxiliary = {"is_auxiliary": True}

    def model():
        host.sample("a", normal(zero, 1.0))
        host.sample("b", normal(zero, 1.0))

    def guide():
        high, slope, mean = (
            host.param(name, host.array(at))
            for name, at in {"high": 3.0, "slope": 0.3, "mean": 1.0}.items()
        )
        host.sample("a", host.dist.Uniform(zero, high))
        u = host.sample("u", normal(zero, 1.0), infer=auxiliary)
        density = -host.log(slope) - host.exp(slope)
        host.sample("b", host.dist.Delta(slope * u, log_density=density))
        y = normal(mean + slope * u, 1.0)
        host.sample("y", y, obs=zero, infer=auxiliary)

    return model, guide


POSTERIOR = 0.8 * X, np.full((N, 2), 0.2**0.5)


def gradients(host, pair, **options):
    """Those of sticking the landing, and the ordinary ones."""
    engines = host.igr.TraceSTL_ELBO, host.TRACE
    return [host.gradients(engine, *pair, **options) for engine in engines]


@pytest.mark.parametrize("name", TO_GAUSSIANS)
def test_the_gradient_is_zero_where_the_guide_is_the_posterior(host, name):
    sticking, ordinary = gradients(host, categorical(host, name, 0.5, *POSTERIOR))
    assert abs(sticking).max() < 1e-12
    assert abs(ordinary).max() > 0.1


def test_it_is_zero_for_sites_that_depend_on_one_another(host):
    sticking, ordinary = gradients(host, chain(host, 0.5))
    assert abs(sticking).max() < 1e-12
    assert abs(ordinary).max() > 0.01


PAIRS = {
    "categorical": lambda host: categorical(host, "IGR", 0.5, X, 0.7 + 0 * X),
    "chain": lambda host: chain(host, 0.2),
    "scores of other means": with_scores,
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_it_has_the_mean_of_the_ordinary_gradient(host, pair):
    sticking, ordinary = gradients(host, pair(host), many=True)
    error = np.sqrt((sticking.var(0) + ordinary.var(0)) / len(ordinary))
    assert (abs(sticking.mean(0) - ordinary.mean(0)) < 4.5 * error).all()
    assert np.linalg.norm(ordinary.mean(0)) > 10 * np.linalg.norm(error)


@pytest.mark.parametrize("name", ["IGR", "IGRStickBreaking", "InfiniteIGR"])
def test_it_is_exact_at_a_temperature_at_which_samples_underflow(host, name):
    family, engine = family_of(host, name), host.igr.TraceSTL_ELBO
    loc = np.random.default_rng(0).normal(size=(50, 9)).astype(np.float32)
    scale, seen = host.array(np.ones(9, np.float32)), []

    def model():
        with host.plate("data", 50):
            seen.append(host.sample("z", family(0.01, host.array(loc), scale)))

    def guide():
        m = host.param("loc", host.array(loc))
        with host.plate("data", 50):
            host.sample("z", family(0.01, m, scale))

    with host.single_precision():
        loss = host.value(host.loss(engine(), model, guide))
        assert (seen[0] == 0).any()
        assert loss == pytest.approx(0, abs=1e-3)
        assert abs(host.gradients(engine, model, guide)).max() < 1e-3


def test_a_prior_of_another_family_is_pulled_back(host):
    q = host.igr.IGR(0.5, host.array([0.3, -0.6]), host.array([0.8, 1.1]))
    p, seen = host.dist.Dirichlet(host.array([2.0, 2.0, 2.0])), []

    def model():
        seen.append(host.sample("z", p))

    def guide():
        host.sample("z", q)

    for engine in host.igr.TraceSTL_ELBO(), host.TRACE():
        loss = host.value(host.loss(engine, model, guide))
        expected = host.value(q.log_prob(seen[-1]) - p.log_prob(seen[-1]))
        assert loss == pytest.approx(expected, rel=1e-10)


def test_a_batch_that_comes_from_an_option_alone_counts_as_a_whole(host):
    rho, one, seen = host.array(np.ones(N)), host.array(ONE), []
    q = host.igr.InfiniteIGR(0.5, host.array([0.3, -0.6]), one, rho)
    p = host.igr.InfiniteIGR(0.5, host.array(ZERO), one, rho)

    def program(law):
        with host.plate("data", N):
            seen.append(host.sample("z", law))

    pair = partial(program, p), partial(program, q)
    loss = host.value(host.loss(host.igr.TraceSTL_ELBO(), *pair))
    expected = q.log_prob(seen[-1]) - p.log_prob(seen[-1])
    assert expected.shape == (N,)
    assert loss == pytest.approx(host.value(expected.sum()), rel=1e-10)


def test_values_that_a_prior_would_truncate_have_no_density_under_it(host):
    def program(rho):
        zeros, ones = host.array(np.zeros(5)), host.array(np.ones(5))
        host.sample("z", host.igr.InfiniteIGR(1.0, zeros, ones, rho=rho))

    pair = partial(program, 0.5), partial(program, 1.0)
    for engine in host.igr.TraceSTL_ELBO(), host.TRACE():
        assert host.loss_once(engine, *pair) == np.inf
