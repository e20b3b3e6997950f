"""AutoIGR in NumPyro: scans, jit, and sites that are enumerated."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from jax import random
from numpyro import handlers, infer
from numpyro.contrib.control_flow import scan
from numpyro.contrib.funsor import config_enumerate
from numpyro.optim import Adam
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import (
    GEM,
    IGR,
    AutoIGR,
    InfiniteIGR,
    OneHotCategorical,
    TraceDiscreteIWAE_ELBO,
    TraceDiscreteKL_ELBO,
    relax,
)

TAU = 0.3
KEY = random.key(0)
PROBS = np.array([0.1, 0.2, 0.4, 0.3], np.float32)
LAW = OneHotCategorical(PROBS)


def parameters_of(guide, *args):
    """The initial parameters of a guide, by name."""
    trace = handlers.trace(handlers.seed(guide, KEY)).get_trace(*args)
    return {name: s["value"] for name, s in trace.items() if s["type"] == "param"}


def test_a_support_that_depends_on_a_latent_site_is_refused_under_jit():
    def model():
        x = numpyro.sample("x", dist.HalfNormal(1.0))
        numpyro.sample("y", dist.Uniform(0.0, x))

    guide = handlers.seed(AutoIGR(model, TAU), KEY)
    with pytest.raises(ValueError, match="support of site 'y' depends"):
        jax.jit(guide)()


class AnyReal(dist.constraints.Constraint):
    """All reals, by a name that the host has no bijection for."""

    def __call__(self, x):
        return jnp.isfinite(x)

    def tree_flatten(self):
        return (), ((), {})


class OfAnyReal(dist.Normal):
    support = AnyReal()


def test_a_support_without_bijection_is_refused_by_name_and_a_guide_of_it_is_not():
    def model():
        return numpyro.sample("u", OfAnyReal(0.0, 1.0))

    with pytest.raises(NotImplementedError, match="of site 'u'.* as continuous"):
        handlers.seed(AutoIGR(model, TAU), KEY)()
    guide = AutoIGR(model, TAU, continuous=lambda _: lambda: {"u": model()})
    assert set(handlers.seed(guide, KEY)()) == {"u"}


def scanned(xs):
    def step(carry, x):
        with numpyro.plate("columns", 3):
            z = numpyro.sample("z", LAW)
            numpyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=x)
        return carry, None

    center = numpyro.sample("center", dist.Normal())
    return scan(relax(step, TAU), center, xs)


def test_a_plate_within_a_scan_is_one_of_the_guide():
    xs = jnp.zeros((2, 3))
    guide = AutoIGR(scanned, TAU)
    params = parameters_of(guide, xs)
    assert params["z_auto_loc"].shape == (2, 3, 3)
    trained = handlers.substitute(handlers.seed(guide, KEY), params)
    trace = handlers.trace(trained).get_trace(xs)
    replayed = handlers.replay(handlers.seed(scanned, KEY), trace)
    found = handlers.trace(replayed).get_trace(xs)["z"]["value"]
    np.testing.assert_array_equal(found, trace["z"]["value"])


def test_masks_of_a_model_with_a_scan_are_refused_by_name():
    guide = AutoIGR(handlers.mask(scanned, mask=jnp.array(True)), TAU)
    with pytest.raises(ValueError, match="site 'z' lies in a scan"):
        handlers.seed(guide, KEY)(jnp.zeros((2, 3)))


def test_the_kl_of_a_concentration_that_is_trained_is_exact_under_jit():
    def model():
        positive = dist.constraints.positive
        tail = GEM(numpyro.param("alpha", 1.0, constraint=positive), 1)
        law = InfiniteIGR(TAU, jnp.zeros(3), jnp.ones(3), 1.0, tail=tail)
        numpyro.sample("z", law)

    guide = AutoIGR(model, TAU, scale="learned")
    params = parameters_of(guide) | {"alpha": jnp.array(3.0)}
    params["z_auto_loc"] += 0.5
    loss = partial(infer.TraceMeanField_ELBO().loss, model=model, guide=guide)
    losses = jax.jit(jax.vmap(lambda key: loss(key, params)))(random.split(KEY, 3))
    np.testing.assert_allclose(losses, 3 * 0.5**2 / 2, rtol=1e-5)


def test_an_option_is_followed_where_python_looks_at_the_parameter():
    def model():
        delta = numpyro.param("delta", 1.0)
        law = IGR(TAU, jnp.zeros(2), jnp.ones(2), delta if delta < 5 else 5.0)
        numpyro.sample("z", law)

    guide = handlers.seed(AutoIGR(model, TAU), KEY)
    guide()
    trained = handlers.substitute(guide, {"delta": 3.0})
    assert handlers.trace(trained).get_trace()["z"]["fn"].delta == 3.0


X = np.array([0.5, -1.0, 1.5], np.float32)
MEANS = np.array([-1.0, 0.0, 1.0, 2.0], np.float32)


def mixture():
    with numpyro.plate("data", len(X)):
        z = numpyro.sample("z", LAW)
        numpyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=X)


def test_a_falling_temperature_compiles_once():
    runs = []

    def model(temperature):
        runs.append(1)
        return relax(mixture, temperature)()

    guide = AutoIGR(model, lambda temperature: temperature)
    svi = infer.SVI(model, guide, Adam(0.01), infer.TraceMeanField_ELBO())
    state, update = svi.init(KEY, 2.0), jax.jit(svi.update)
    runs.clear()
    losses = [update(state, tau)[1] for tau in (1.0, 0.5, 0.1)]
    assert len(runs) == 1
    assert len(set(map(float, losses))) == 3


@pytest.mark.parametrize("mask", [True, np.array([True, False, True])], ids=str)
def test_a_kept_site_outside_a_plate_is_enumerated_beside_the_guide_of_one_inside(mask):
    shifts = jnp.array([0.0, 2.0])

    def model():
        c = numpyro.sample("c", dist.Categorical(jnp.array([0.3, 0.7])))
        with numpyro.plate("data", len(X)), handlers.mask(mask=mask):
            z = numpyro.sample("z", OneHotCategorical(PROBS))
            numpyro.sample("x", dist.Normal(z @ MEANS + shifts[c], 1.0), obs=X)

    relaxed = relax(config_enumerate(model), 0.5, keep={"c"})
    guide = AutoIGR(relaxed, 0.5)
    point = jnp.array([0.2, 0.5, 0.2, 0.1])
    points = jnp.stack([point, point[::-1], point])
    with_points = handlers.substitute(guide, data={"z": points})
    elbo = infer.TraceEnum_ELBO(max_plate_nesting=1)
    svi = infer.SVI(relaxed, with_points, Adam(0.1), elbo)
    found = -jax.jit(lambda key: svi.evaluate(svi.init(key)))(
        jax.random.key(0)
    )  # model and guide agree at first
    means = points @ MEANS + shifts[:, None]
    log_probs = jnp.where(mask, dist.Normal(means, 1.0).log_prob(X), 0.0)
    by_value = log_probs.sum(-1) + jnp.log(jnp.array([3, 7]))
    expected = jax.nn.logsumexp(by_value) - jnp.log(10)
    assert found == pytest.approx(float(expected), rel=1e-5)


def test_a_guide_of_the_host_goes_on_where_other_sites_are_enumerated():
    x, u, shifts = jnp.array([0.5, -1.0]), jnp.array([0.2, -0.6]), jnp.array([1.0, 0.0])

    def model():
        c = numpyro.sample("c", dist.Categorical(jnp.array([0.3, 0.7])))
        with numpyro.plate("data", len(x)):
            numpyro.sample("z", LAW)  # the guide has the same at first
            loc = numpyro.sample("u", dist.Normal()) + shifts[c]
            numpyro.sample("x", dist.Normal(loc), obs=x)

    start = partial(infer.init_to_value, values={"u": u})
    at_start = partial(infer.autoguide.AutoDelta, init_loc_fn=start)
    relaxed = relax(config_enumerate(model), 0.5, keep={"c"})
    guide = AutoIGR(relaxed, 0.5, continuous=at_start)
    svi = infer.SVI(relaxed, guide, Adam(0.1), infer.TraceEnum_ELBO())
    found = -jax.jit(lambda key: svi.evaluate(svi.init(key)))(KEY)
    by_value = dist.Normal(u + shifts[:, None]).log_prob(x).sum(-1)
    expected = jax.nn.logsumexp(by_value, b=jnp.array([0.3, 0.7]))
    expected += dist.Normal().log_prob(u).sum()
    assert found == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("value", [0.3, np.float32(0.3), jnp.array(0.3)], ids=type)
def test_a_guide_that_follows_masks_takes_any_number_for_a_value(value):
    def model():
        numpyro.sample("w", dist.Normal())
        with numpyro.plate("data", 2), handlers.mask(mask=jnp.array([True, False])):
            numpyro.sample("z", LAW)

    guide = AutoIGR(relax(model, TAU), TAU, continuous=infer.autoguide.AutoNormal)
    given = handlers.substitute(handlers.seed(guide, KEY), {"w": value})
    assert given()["w"] == value


ENGINES = {
    "TraceDiscreteIWAE_ELBO": partial(TraceDiscreteIWAE_ELBO, 2),
    "TraceDiscreteKL_ELBO": TraceDiscreteKL_ELBO,
}


@pytest.mark.parametrize("engine", ENGINES)
def test_no_tracer_outlives_a_step(engine):
    def model():
        with numpyro.plate("data", 2):
            numpyro.sample("z", LAW)

    model = relax(model, TAU)
    svi = infer.SVI(model, AutoIGR(model, TAU), Adam(0.1), ENGINES[engine]())
    state = svi.init(KEY)
    with jax.checking_leaks():
        jax.eval_shape(svi.update, state)


def test_a_guide_that_never_ran_draws_nothing():
    guide = AutoIGR(
        lambda: numpyro.sample("z", OneHotCategorical(jnp.ones(3) / 3)), 0.5
    )
    with pytest.raises(ValueError, match="from a first run of the model: call"):
        guide.sample_posterior(jax.random.key(0), {}, sample_shape=(4,))
