"""TraceSTL_ELBO in NumPyro: no gradient at the posterior, the ordinary one in mean."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from jax import random
from numpyro.infer import Trace_ELBO
from x64 import enable_x64

from numpyro_igr import (
    IGR,
    ExpIGR,
    IGRStickBreaking,
    StickBreakingTransform,
    TraceSTL_ELBO,
)

KEY = random.key(0)
N, X = 3, np.array([[0.7, -0.4], [0.1, 0.9], [-1.2, 0.3]])
ZERO, ONE = np.zeros(2), np.ones(2)


@pytest.fixture(autouse=True)
def double_precision():
    with enable_x64(True):
        yield


def alr(log_z, tau):
    return tau * (log_z[..., :-1] - log_z[..., -1:])


LAWS = {
    "igr": (IGR, lambda z, tau: alr(jnp.log(z), tau)),
    "exp_igr": (ExpIGR, alr),
    "sticks": (IGRStickBreaking, lambda z, tau: StickBreakingTransform(tau).inv(z)),
}


def categorical(name, tau, loc, scale):
    """Observed Gaussians of a relaxed code: the posterior is in the family."""
    law, to_gaussians = LAWS[name]

    def model():
        with numpyro.plate("data", N, subsample_size=2) as i:
            z = numpyro.sample("z", law(2 * tau, 2 * ZERO, 2 * ONE))
            x = dist.Normal(to_gaussians(z, tau), 0.5).to_event(1)
            numpyro.sample("x", x, obs=jnp.asarray(X)[i])

    def guide():
        m, s = numpyro.param("loc", loc), jnp.exp(numpyro.param("log_scale", scale))
        with numpyro.plate("data", N, subsample_size=2) as i:
            numpyro.sample("z", law(tau, m[i], s[i]))

    return model, guide, {"loc": jnp.array(loc), "log_scale": jnp.log(scale)}


def chain(slope):
    """Two Gaussians, the second given the first in model and guide."""
    x = 0.6

    def model():
        a = numpyro.sample("a", dist.Normal(0.0, 1.0))
        b = numpyro.sample("b", dist.Normal(a, 1.0))
        numpyro.sample("x", dist.Normal(b, 1.0), obs=x)

    start = {"a_loc": x / 3, "a_scale": (2 / 3) ** 0.5}
    start |= {"slope": slope, "b_scale": 0.5**0.5}

    def guide():
        p = {name: numpyro.param(name, value) for name, value in start.items()}
        a = numpyro.sample("a", dist.Normal(p["a_loc"], p["a_scale"]))
        numpyro.sample("b", dist.Normal(p["slope"] * (a + x), p["b_scale"]))

    return model, guide, start


POSTERIOR = 0.8 * X, np.full((N, 2), 0.2**0.5)


def gradients(engine, problem, count=1):
    model, guide, parameters = problem

    def gradient(key):
        found = jax.grad(lambda p: engine.loss(key, p, model, guide))(parameters)
        return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(found)])

    return jax.jit(jax.vmap(gradient))(random.split(KEY, count))


@pytest.mark.parametrize("name", LAWS)
def test_the_gradient_is_zero_where_the_guide_is_the_posterior(name):
    problem = categorical(name, 0.5, *POSTERIOR)
    assert abs(gradients(TraceSTL_ELBO(), problem)).max() < 1e-12
    assert abs(gradients(Trace_ELBO(), problem)).max() > 0.1


def test_it_is_zero_for_sites_that_depend_on_one_another():
    assert abs(gradients(TraceSTL_ELBO(), chain(0.5))).max() < 1e-12
    assert abs(gradients(Trace_ELBO(), chain(0.5))).max() > 0.01


@pytest.mark.parametrize(
    "problem", [categorical("igr", 0.5, X, 0.7 + 0 * X), chain(0.2)]
)
def test_it_has_the_mean_of_the_ordinary_gradient(problem):
    sticking = gradients(TraceSTL_ELBO(num_particles=2), problem, 20_000)
    ordinary = gradients(Trace_ELBO(num_particles=2), problem, 20_000)
    error = jnp.sqrt((sticking.var(0) + ordinary.var(0)) / 20_000)
    assert (abs(sticking.mean(0) - ordinary.mean(0)) < 4.5 * error).all()
    assert jnp.linalg.norm(ordinary.mean(0)) > 10 * jnp.linalg.norm(error)


@pytest.mark.parametrize("law", [IGR, IGRStickBreaking])
def test_it_is_exact_at_a_temperature_at_which_samples_underflow(law):
    loc, ones = np.random.default_rng(0).normal(size=(50, 9)), np.ones(9, np.float32)
    loc, seen = loc.astype(np.float32), []

    def model():
        with numpyro.plate("data", 50):
            seen.append(numpyro.sample("z", law(0.01, loc, ones)))

    def guide():
        m = numpyro.param("loc", loc)
        with numpyro.plate("data", 50):
            numpyro.sample("z", law(0.01, m, ones))

    with enable_x64(False):
        problem = model, guide, {"loc": jnp.array(loc)}
        loss = TraceSTL_ELBO().loss(KEY, problem[2], model, guide)
        assert (seen[0] == 0).any()
        assert loss == pytest.approx(0, abs=1e-3)
        assert abs(gradients(TraceSTL_ELBO(), problem)).max() < 1e-3


def test_a_prior_of_another_family_is_pulled_back():
    loc, scale = np.array([0.3, -0.6]), np.array([0.8, 1.1])
    value = []

    def model():
        z = numpyro.sample("z", dist.Dirichlet(2 * np.ones(3)))
        value.append(z)

    def guide():
        numpyro.sample("z", IGR(0.5, loc, scale))

    loss = TraceSTL_ELBO().loss(KEY, {}, model, guide)
    z = value[-1]
    log_p = dist.Dirichlet(2 * np.ones(3)).log_prob(z)
    expected = IGR(0.5, loc, scale).log_prob(z) - log_p
    assert float(loss) == pytest.approx(float(expected), rel=1e-10)
