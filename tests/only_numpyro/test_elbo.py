"""Engines of NumPyro: annealing under jit, and straight-through guides."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
import pytest
from jax import random
from numpyro import infer
from numpyro_families import LOC, SCALE, K, make, on_simplex
from numpyro_families import fresh_host as fresh_host

import numpyro_igr

KEY = random.key(0)
NUM_DATA, BATCH_SIZE = 6, 3
DATA = np.linspace(-1, 1, 2 * NUM_DATA, dtype=np.float32).reshape(NUM_DATA, 2)
ENGINES = {
    "Trace_ELBO": infer.Trace_ELBO,
    "TraceMeanField_ELBO": infer.TraceMeanField_ELBO,
    "TraceGraph_ELBO": infer.TraceGraph_ELBO,
    "RenyiELBO": infer.RenyiELBO,
}
PARAMETERS = {
    "weights": np.eye(K, 2, dtype=np.float32),
    "loc": np.tile(np.float32(LOC), (NUM_DATA, 1)),
    "log_scale": np.tile(np.log(np.float32(SCALE)), (NUM_DATA, 1)),
}


def problem(name):
    """A model of data with one latent each, and its guide, at a temperature."""

    def model(tau):
        weights = numpyro.param("weights", PARAMETERS["weights"])
        with numpyro.plate("data", NUM_DATA, subsample_size=BATCH_SIZE) as i:
            prior = make(name, tau, jnp.zeros(K - 1), jnp.ones(K - 1))
            z = on_simplex(name, numpyro.sample("z", prior))
            x = jnp.asarray(DATA)[i]
            numpyro.sample("x", dist.Normal(z @ weights, 0.5).to_event(1), obs=x)

    def guide(tau):
        loc = numpyro.param("loc", PARAMETERS["loc"])
        log_scale = numpyro.param("log_scale", PARAMETERS["log_scale"])
        with numpyro.plate("data", NUM_DATA, subsample_size=BATCH_SIZE) as i:
            numpyro.sample("z", make(name, tau, loc[i], jnp.exp(log_scale[i])))

    return model, guide


def loss_of(engine, name):
    """The loss of the problem as a function of parameters and a key."""
    elbo = ENGINES[engine](num_particles=2 if engine == "RenyiELBO" else 1)
    model, guide = problem(name)

    def loss(parameters, key):
        parameters = jax.tree.map(jnp.asarray, parameters)
        return elbo.loss(key, parameters, model, guide, 0.5)

    return loss


@pytest.mark.parametrize("name", ["igr", "straight_through", "stick_breaking_weights"])
def test_annealing_in_subsampled_plates_trains_with_one_compilation(name):
    traces = []
    model, guide = problem(name)

    def counted(tau):
        traces.append(tau)
        model(tau)

    svi = infer.SVI(counted, guide, optax.adam(0.05), infer.TraceMeanField_ELBO())
    state = svi.init(KEY, 0.9)
    update = jax.jit(svi.update)
    traces.clear()
    losses = []
    for tau in np.linspace(0.9, 0.4, 60, dtype=np.float32):
        state, loss = update(state, tau)
        losses.append(loss)
    assert len(traces) == 1
    assert np.isfinite(losses).all()
    assert np.mean(losses[-20:]) < np.mean(losses[:20])


def test_svi_run_trains_with_the_temperature_as_an_argument():
    svi = infer.SVI(*problem("igr"), optax.adam(0.05), infer.TraceMeanField_ELBO())
    result = svi.run(KEY, 60, jnp.array(0.5), progress_bar=False)
    assert jnp.isfinite(result.losses).all()
    assert result.losses[-20:].mean() < result.losses[:20].mean()


@pytest.mark.parametrize("prior", ["igr", "straight_through"])
def test_a_straight_through_guide_finds_the_categories(prior):
    x = jnp.eye(K)[jnp.arange(NUM_DATA) % K]

    def model():
        with numpyro.plate("data", NUM_DATA, subsample_size=BATCH_SIZE) as i:
            z = numpyro.sample("z", make(prior, loc=jnp.zeros(K - 1)))
            numpyro.sample("x", dist.Normal(z, 0.25).to_event(1), obs=x[i])

    def guide():
        loc = numpyro.param("loc", PARAMETERS["loc"])
        scale = jnp.exp(numpyro.param("log_scale", PARAMETERS["log_scale"]))
        with numpyro.plate("data", NUM_DATA, subsample_size=BATCH_SIZE) as i:
            law = make("straight_through", loc=loc[i], scale=scale[i])
            return numpyro.sample("z", law)

    z = numpyro.handlers.seed(guide, 0)()
    assert (((z == 0) | (z == 1)).all(-1) & (z.sum(-1) == 1)).all()
    svi = infer.SVI(model, guide, optax.adam(0.05), infer.TraceMeanField_ELBO())
    result = svi.run(KEY, 500, progress_bar=False)
    assert jnp.isfinite(result.losses).all()
    trained = make(
        "igr", loc=result.params["loc"], scale=jnp.exp(result.params["log_scale"])
    )
    np.testing.assert_array_equal(trained.probs.argmax(-1), x.argmax(-1))


@pytest.mark.parametrize("engine", ["Trace_ELBO", "TraceGraph_ELBO", "RenyiELBO"])
def test_a_monte_carlo_bound_of_a_straight_through_guide_is_never_finite(engine):
    loss = jax.jit(loss_of(engine, "straight_through"))
    for key in random.split(KEY, 2):
        assert not jnp.isfinite(loss(PARAMETERS, key))


@pytest.mark.parametrize("names", [("function", "guide"), ("guide", "function")])
def test_sites_and_parameters_may_have_names_of_arguments(names):
    site, parameter = names
    start = {parameter: jnp.zeros(2)}

    def program():
        loc = numpyro.param(parameter, start[parameter])
        numpyro.sample(site, numpyro_igr.IGRStickBreaking(0.5, loc, jnp.ones(2)))

    for engine in "TraceEnumeratedDiscrete_ELBO", "TraceDiscreteKL_ELBO":
        elbo = getattr(numpyro_igr, engine)()
        assert abs(elbo.loss(KEY, start, program, program)) < 1e-6


DISCRETE = {
    "enumerated": numpyro_igr.TraceEnumeratedDiscrete_ELBO(),
    "set": numpyro_igr.TraceUnorderedSet_ELBO(2),
    "leave_one_out": numpyro_igr.TraceUnorderedSet_ELBO(2, replacement=True),
    "vimco": numpyro_igr.TraceVIMCO_ELBO(2),
    "iwae": numpyro_igr.TraceDiscreteIWAE_ELBO(2),
    "discrete_kl": numpyro_igr.TraceDiscreteKL_ELBO(),
}


def diverged(start):
    """A pair whose guide has this parameter, NaN after training that diverged."""

    def program(start):
        with numpyro.plate("data", 2):
            numpyro.sample("z", numpyro_igr.IGRStickBreaking(0.5, start, 1.0))

    return lambda: program(jnp.zeros(2)), lambda: program(start)


@pytest.mark.parametrize("elbo", DISCRETE.values(), ids=DISCRETE)
def test_a_guide_that_diverged_has_no_loss(elbo):
    loss = jax.jit(lambda start: elbo.loss(KEY, {}, *diverged(start)))
    assert jnp.isfinite(loss(jnp.zeros(2)))
    assert jnp.isnan(loss(jnp.array([0.0, jnp.nan])))


def test_a_guide_that_diverged_has_no_log_likelihood():
    def weigh(start):
        pair = diverged(start)
        return numpyro_igr.log_weights(KEY, *pair, num_samples=4)

    assert jnp.isfinite(jax.jit(weigh)(jnp.zeros(2))).all()
    assert jnp.isnan(jax.jit(weigh)(jnp.full(2, jnp.nan))).all()


OURS = DISCRETE | {
    "stl": numpyro_igr.TraceSTL_ELBO(),
    "relax": numpyro_igr.TraceRELAX_ELBO(control_variate=None),
}


@pytest.mark.filterwarnings("ignore:The control variate is not trained")
@pytest.mark.parametrize("elbo", OURS.values(), ids=OURS)
def test_no_engine_keeps_what_jax_traces(elbo):
    def program(start):
        numpyro.sample("z", numpyro_igr.IGRStickBreaking(0.5, 2 * start, 1.0))

    def loss(start, key):
        return elbo.loss(key, {}, program, program, start)

    with jax.checking_leaks():
        assert jax.eval_shape(loss, jnp.zeros(2), KEY).shape == ()
