"""AutoIGR is a guide to any relaxed model, with the closed-form KL at its sites."""

from contextlib import nullcontext
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from cases import WITH_FLOW
from jax import random
from numpyro import handlers, infer
from numpyro.contrib.control_flow import scan
from numpyro.contrib.funsor import config_enumerate
from numpyro.distributions.transforms import OrderedTransform
from numpyro.infer.autoguide import AutoDelta, AutoNormal
from numpyro.optim import Adam
from numpyro_families import fresh_host as fresh_host
from numpyro_programs import PROGRAMS, innermost

import numpyro_igr
from numpyro_igr import (
    IGR,
    AutoIGR,
    IGRStickBreaking,
    IGRStraightThrough,
    OneHotCategorical,
    TraceDiscreteKL_ELBO,
    assert_analytic_kl,
    discretize,
    relax,
)

TAU = 0.3
KEY = random.key(0)
LOC = np.array([1.0, -1.0, 0.5], np.float32)
SPREAD = np.array([0.1, 0.3, 2.0], np.float32)
PROBS = np.array([0.1, 0.2, 0.4, 0.3], np.float32)
LAW = OneHotCategorical(PROBS)
EVERYWHERE = list(PROGRAMS.values())
PRIORS = {
    IGR: IGR(TAU, jnp.zeros(3), jnp.ones(3)),
    IGRStraightThrough: IGRStraightThrough(TAU, jnp.zeros(3), jnp.ones(3)),
}


def parameters_of(guide, *args):
    """The initial parameters of a guide, by name."""
    trace = handlers.trace(handlers.seed(guide, KEY)).get_trace(*args)
    return {name: s["value"] for name, s in trace.items() if s["type"] == "param"}


@pytest.mark.parametrize("family", PRIORS)
def test_each_site_gets_a_distribution_of_its_own_family(family):
    model = partial(PROGRAMS["in_plates"], PRIORS[family])
    guide = AutoIGR(model, 2 * TAU)
    jax.eval_shape(lambda: assert_analytic_kl(model, guide))
    law = handlers.trace(handlers.seed(guide, KEY)).get_trace()["z"]["fn"]
    assert type(innermost(law)) is family
    assert innermost(law).temperature == pytest.approx(2 * TAU)


@pytest.mark.parametrize("program", EVERYWHERE)
def test_the_kl_is_analytic_without_variance_and_zero_at_the_start(program):
    model = relax(partial(program, LAW), TAU)
    guide = AutoIGR(model, TAU)
    start = jax.jit(lambda: parameters_of(guide))()
    jax.eval_shape(lambda: assert_analytic_kl(model, AutoIGR(model, TAU)))

    @jax.jit
    def losses(shift):
        params = {name: x + shift for name, x in start.items()}
        loss = partial(infer.TraceMeanField_ELBO().loss, model=model, guide=guide)
        return jax.vmap(lambda key: loss(key, params))(random.split(KEY, 3))

    np.testing.assert_allclose(losses(0.0), 0, atol=1e-5)
    found = losses(0.5)
    assert found.min() > 0.05
    np.testing.assert_allclose(found, found[0], rtol=1e-5)


def test_the_guide_has_the_masks_of_the_model():
    kept = np.array([True, False, True, True, False])
    model = relax(partial(PROGRAMS["masked"], LAW), TAU)
    guide = AutoIGR(model, TAU)
    params = parameters_of(guide)
    params["z_auto_loc"] += 1.0 * ~kept[:, None]
    engine = infer.TraceMeanField_ELBO()
    for masked in guide, handlers.mask(guide, mask=kept):
        loss = jax.jit(lambda: engine.loss(KEY, params, model, masked))()  # noqa: B023
        assert abs(loss) < 1e-5


def test_a_guide_given_for_continuous_sites_is_called_once_and_cannot_be_masked():
    def model(is_masked):
        with handlers.mask(mask=False):
            numpyro.sample("z", LAW)
        with handlers.mask(mask=False) if is_masked else nullcontext():
            numpyro.sample("w", dist.Gamma(2.0, 1.0))

    guide = AutoIGR(relax(model, TAU), TAU, continuous=AutoNormal)
    assert set(handlers.seed(guide, KEY)(False)) == {"z", "w"}
    with pytest.raises(ValueError, match="masks or scales site 'w'"):
        handlers.seed(guide, KEY)(True)


@pytest.mark.parametrize("compile", [jax.jit, lambda run: run])
def test_a_support_that_depends_on_a_latent_site_is_refused(compile):
    def model():
        x = numpyro.sample("x", dist.HalfNormal(1.0))
        numpyro.sample("y", dist.Uniform(0.0, x))

    guide = handlers.seed(AutoIGR(model, TAU), KEY)
    with pytest.raises(ValueError, match="support of site 'y' depends"):
        compile(guide)()


def test_kept_sites_are_left_to_be_enumerated():
    def model():
        z = numpyro.sample("z", LAW)
        kind = numpyro.sample("kind", dist.Bernoulli(0.4))
        with handlers.mask(mask=True):
            weight = numpyro.sample("weight", dist.Gamma(2.0, 1.0))
        numpyro.sample("x", dist.Normal(z @ MEANS + kind * weight, 1.0), obs=X[0])

    guide = AutoIGR(relax(model, TAU, keep={"kind"}), TAU)
    assert set(handlers.seed(guide, KEY)()) == {"z", "weight"}


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


def test_a_subsample_takes_the_parameters_of_its_points():
    def model():
        with numpyro.plate("data", 20, subsample_size=5):
            center = numpyro.sample("center", dist.Normal())
            z = numpyro.sample("z", LAW)
        return center, z

    guide = AutoIGR(relax(model, TAU), TAU)
    params = parameters_of(guide)
    shift = jnp.arange(20.0)
    params["z_auto_loc"] += shift[:, None]
    params["center_auto_loc"] = shift
    trace = handlers.trace(
        handlers.seed(handlers.substitute(guide, params), KEY)
    ).get_trace()
    index = trace["data"]["value"]
    np.testing.assert_allclose(trace["z"]["fn"].loc, params["z_auto_loc"][index])
    np.testing.assert_allclose(trace["center"]["fn"].loc, index)
    assert params["z_auto_loc"].shape == params["z_auto_scale"].shape == (20, 3)


@pytest.mark.parametrize("name", WITH_FLOW)
def test_the_guide_starts_at_the_distribution_of_the_model(name):
    like = WITH_FLOW[name](numpyro_igr, jnp.array(TAU), LOC, SPREAD)

    def model():
        with numpyro.plate("rows", 2):
            numpyro.sample("z", like)

    guide = AutoIGR(model, like.temperature)
    loss = infer.TraceMeanField_ELBO().loss
    assert loss(KEY, parameters_of(guide), model, guide) == pytest.approx(0, abs=1e-5)
    trace = handlers.trace(handlers.seed(guide, KEY)).get_trace()
    found = innermost(trace["z"]["fn"])
    np.testing.assert_allclose(found.loc, np.tile(LOC, (2, 1)))
    np.testing.assert_allclose(found.scale, np.tile(SPREAD, (2, 1)), rtol=1e-6)
    if hasattr(like, "delta"):
        np.testing.assert_allclose(found.delta, like.delta)


SUPPORTS = {
    "vector": dist.MultivariateNormal(np.zeros(2), np.eye(2)),
    "interval": dist.Uniform(-1.0, np.array([1.0, 2.0])).to_event(1),
    "simplex": dist.Dirichlet(np.ones((2, 3))).to_event(1),
    "cholesky": dist.LKJCholesky(3, 2.0),
    "ordered": dist.TransformedDistribution(
        dist.Normal(np.zeros(3), 1.0).to_event(1), OrderedTransform()
    ),
}


@pytest.mark.parametrize("name", SUPPORTS)
def test_continuous_sites_of_every_support_are_sampled_without_auxiliary_ones(name):
    prior = SUPPORTS[name]

    def model():
        with numpyro.plate("data", 4, subsample_size=2):
            numpyro.sample("x", prior)

    guide = AutoIGR(model, TAU)
    params = jax.jit(lambda: parameters_of(guide))()
    trained = handlers.substitute(handlers.seed(guide, KEY), params)
    trace = handlers.trace(trained).get_trace()
    assert [n for n, site in trace.items() if site["type"] == "sample"] == ["x"]
    losses = [
        jax.jit(lambda: elbo.loss(KEY, params, model, guide))()  # noqa: B023
        for elbo in (infer.Trace_ELBO(), infer.TraceMeanField_ELBO())
    ]
    if name != "vector":  # there is a KL to a Normal of diagonal covariance only
        np.testing.assert_allclose(*losses, rtol=1e-4)
    shape = (4, *prior.event_shape)
    assert guide.median(params)["x"].shape == shape
    assert guide.quantiles(params, 0.5)["x"].shape == (1, *shape)
    draws = guide.sample_posterior(KEY, params, sample_shape=(3,))
    assert draws["x"].shape == (3, *shape)


X = np.array([0.5, -1.0, 1.5], np.float32)
MEANS = np.array([-1.0, 0.0, 1.0, 2.0], np.float32)


def mixture():
    with numpyro.plate("data", len(X)):
        z = numpyro.sample("z", LAW)
        numpyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=X)


def test_a_relaxed_model_is_trained_and_discretized():
    model = relax(mixture, 0.1)
    guide = AutoIGR(model, 0.1, scale=1.0)
    svi = infer.SVI(model, guide, Adam(0.05), TraceDiscreteKL_ELBO(num_particles=20))
    params = svi.run(KEY, 300, progress_bar=False).params
    assert set(params) == {"z_auto_loc"}
    found = guide.median(params)["z"]
    log_joint = np.log(PROBS) + dist.Normal(MEANS, 1.0).log_prob(X[:, None])
    posterior = jax.nn.softmax(log_joint)
    assert abs(found - posterior).sum(-1).max() / 2 < 0.1
    bound = (found * (log_joint - jnp.log(found))).sum()
    assert bound < jax.nn.logsumexp(log_joint, -1).sum() < bound + 0.1


def test_a_discrete_model_is_relaxed_first():
    guide = AutoIGR(mixture, TAU, family=IGRStickBreaking)
    jax.eval_shape(lambda: assert_analytic_kl(relax(mixture, TAU), guide))


def mixed():
    center = numpyro.sample("center", dist.Normal(1.0, 2.0))
    z = numpyro.sample("z", LAW)
    scale = numpyro.sample("scale", dist.Gamma(2.0, 2.0))
    numpyro.sample("x", dist.Normal(z @ MEANS + center, scale), obs=X[0])


def test_reports_and_draws_of_a_model_with_continuous_sites():
    model = relax(mixed, TAU)
    guide = AutoIGR(model, TAU, continuous=partial(AutoNormal, init_scale=0.3))
    svi = infer.SVI(model, guide, Adam(0.01), infer.TraceMeanField_ELBO())
    params = svi.get_params(
        jax.jit(svi.init)(KEY)
    )  # a wrong order of sites would be warned of
    assert [type(part).__name__ for part in guide] == [
        "AutoNormal",
        "RelaxedGuide",
        "AutoNormal",
    ]
    assert params["center_auto_scale"] == pytest.approx(0.3)
    medians, quantiles = guide.median(params), guide.quantiles(params, [0.1, 0.9])
    assert list(medians) == ["center", "z", "scale"]
    np.testing.assert_allclose(medians["z"], PROBS, rtol=1e-5)
    np.testing.assert_allclose(quantiles["z"], [PROBS, PROBS], rtol=1e-5)
    assert quantiles["center"][0] < quantiles["center"][1]
    middle = guide.quantiles(params, 0.5)
    np.testing.assert_allclose(middle["z"], PROBS[None], rtol=1e-5)
    np.testing.assert_allclose(middle["scale"][0], medians["scale"], rtol=1e-5)
    draws = guide.sample_posterior(KEY, params, sample_shape=(7,))
    assert {name: x.shape for name, x in draws.items()} == {
        "center": (7,),
        "z": (7, 4),
        "scale": (7,),
    }
    for change, is_hard in [(lambda program: program, False), (discretize, True)]:
        predictive = infer.Predictive(
            change(model),
            guide=change(guide),
            params=params,
            num_samples=9,
            return_sites=["z", "x"],
        )
        draws = jax.jit(predictive)(KEY)
        assert draws["x"].shape == (9,)
        assert (draws["z"].max(-1) == 1).all() == is_hard


def test_continuous_sites_get_the_guide_that_is_asked_for():
    guide = AutoIGR(relax(mixed, TAU), TAU, continuous=AutoDelta)
    jax.eval_shape(handlers.seed(guide, KEY))
    assert type(guide[2]) is AutoDelta


def test_a_falling_temperature_compiles_once():
    runs = []

    def model(temperature):
        runs.append(1)
        return relax(mixture, temperature)()

    guide = AutoIGR(model, lambda temperature: temperature)
    svi = infer.SVI(model, guide, Adam(0.01), infer.TraceMeanField_ELBO())
    state, update = svi.init(KEY, 1.0), jax.jit(svi.update)
    runs.clear()
    losses = [update(state, tau)[1] for tau in (1.0, 0.5, 0.1)]
    assert len(runs) == 1
    assert len(set(map(float, losses))) == 3


def test_a_masked_site_draws_from_the_model_whatever_the_parameters():
    """Free ones would explain the data at no cost: a bound above the evidence."""

    def model():
        with numpyro.plate("data", 2), handlers.mask(mask=jnp.array([True, False])):
            z = numpyro.sample("z", OneHotCategorical(jnp.array([0.2, 0.8])))
            w = numpyro.sample("w", dist.Normal(5.0, 2.0))
        numpyro.sample("x", dist.Normal(z[:, 0] + w, 1.0).to_event(1), obs=jnp.ones(2))

    guide = AutoIGR(relax(model, TAU), TAU)
    first = handlers.trace(handlers.seed(guide, KEY)).get_trace()
    params = {k: 3.0 + 0 * s["value"] for k, s in first.items() if s["type"] == "param"}
    trace = handlers.trace(handlers.substitute(handlers.seed(guide, KEY), params))
    sites = trace.get_trace()
    probs, normal = innermost(sites["z"]["fn"]).probs, innermost(sites["w"]["fn"])
    np.testing.assert_allclose(probs[1], [0.2, 0.8], rtol=1e-5)
    assert probs[0, 0] > 0.7
    assert normal.loc.tolist() == [3.0, 5.0]
    assert normal.scale[1] == 2.0


def test_a_kept_site_outside_a_plate_is_enumerated_beside_the_guide_of_one_inside():
    shifts = jnp.array([0.0, 2.0])

    def model():
        c = numpyro.sample("c", dist.Categorical(jnp.array([0.3, 0.7])))
        with numpyro.plate("data", len(X)):
            z = numpyro.sample("z", OneHotCategorical(PROBS))
            numpyro.sample("x", dist.Normal(z @ MEANS + shifts[c], 1.0), obs=X)

    relaxed = relax(config_enumerate(model), 0.5, keep={"c"})
    guide = AutoIGR(relaxed, 0.5)
    point = jnp.array([0.2, 0.5, 0.2, 0.1])
    points = jnp.stack([point, point[::-1], point])
    with_points = handlers.substitute(guide, data={"z": points})
    elbo = infer.TraceEnum_ELBO(max_plate_nesting=1)
    svi = infer.SVI(relaxed, with_points, Adam(0.1), elbo)
    found = -svi.evaluate(svi.init(jax.random.key(0)))  # model and guide agree at first
    means = points @ MEANS + shifts[:, None]
    by_value = dist.Normal(means, 1.0).log_prob(X).sum(-1) + jnp.log(jnp.array([3, 7]))
    expected = jax.nn.logsumexp(by_value) - jnp.log(10)
    assert found == pytest.approx(float(expected), rel=1e-5)
