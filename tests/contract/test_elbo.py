"""Every engine of a host takes IGR guides of IGR models, in subsampled plates."""

import gc
import pickle
import weakref
from functools import cache

import numpy as np
import pytest
from cases import LAWS

K, NUM_DATA, BATCH_SIZE = 4, 6, 3
DATA = np.linspace(-1, 1, 2 * NUM_DATA, dtype=np.float32).reshape(NUM_DATA, 2)
LOC, SCALE = (np.array(x, np.float32) for x in ([0.3, -0.6, 0.9], [0.8, 1.1, 0.6]))
START = {
    "weights": np.eye(K, 2, dtype=np.float32),
    "loc": np.tile(LOC, (NUM_DATA, 1)),
    "log_scale": np.tile(np.log(SCALE), (NUM_DATA, 1)),
}
ENGINES = {
    "Trace_ELBO": lambda host: host.TRACE,
    "TraceGraph_ELBO": lambda host: host.GRAPH,
    "TraceMeanField_ELBO": lambda host: host.MEAN_FIELD,
    "RenyiELBO": lambda host: host.RENYI,
}
# A one-hot value has no density.
every_density = pytest.mark.parametrize(
    "name", [n for n in LAWS if n[:8] != "straight"]
)


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


def pair(host, name):
    """A model of data with one latent each, and its guide."""
    law = LAWS[name]

    def model():
        weights = host.param("weights", host.array(START["weights"]))
        with host.plate("data", NUM_DATA, subsample_size=BATCH_SIZE) as i:
            zeros = host.array(np.zeros(K - 1, np.float32))
            z = host.sample("z", law(host.igr, 0.5, zeros, zeros + 1))
            mean = (host.exp(z) if name == "exp_igr" else z) @ weights
            x = host.dist.Normal(mean, 0.5).to_event(1)
            host.sample("x", x, obs=host.array(DATA)[i])

    def guide():
        loc = host.param("loc", host.array(START["loc"]))
        scale = host.exp(host.param("log_scale", host.array(START["log_scale"])))
        with host.plate("data", NUM_DATA, subsample_size=BATCH_SIZE) as i:
            host.sample("z", law(host.igr, 0.5, loc[i], scale[i]))

    return model, guide


# Of a family an engine knows samples, densities and its KL: by two engines these are
# had, and all engines have families whose values are of each kind.
UNDER_ALL = "igr", "exp_igr", "stick_breaking_sticks", "infinite"
OF_EACH = "Trace_ELBO", "TraceMeanField_ELBO"


@cache
def draws(host, name):
    """Losses and gradients of runs of each engine; jax compiles them as one."""
    many = host.particles(200, nesting=1)
    names = [n for n in ENGINES if name in UNDER_ALL or n in OF_EACH]
    engines = [ENGINES[n](host)(**many) for n in names]
    found = host.each_estimate(engines, *pair(host, name), START, 20)
    return dict(zip(names, found, strict=True))


@every_density
def test_every_engine_has_finite_losses_and_gradients_of_every_parameter(host, name):
    for engine, found in draws(host, name).items():
        assert found.keys() == START.keys() | {"loss"}, engine
        for x in found.values():
            assert np.isfinite(x).all(), engine
            assert (x[0] != 0).any(), engine


@every_density
def test_monte_carlo_and_closed_form_engines_estimate_one_bound(host, name):
    losses = {engine: found["loss"] for engine, found in draws(host, name).items()}
    exact = losses.pop("TraceMeanField_ELBO")
    weighted = losses.pop("RenyiELBO", None)
    assert weighted is None or weighted.mean() < exact.mean()
    for engine in losses:
        error = np.sqrt((exact.var() + losses[engine].var()) / len(exact))
        assert abs(exact.mean() - losses[engine].mean()) < 4 * error


@pytest.mark.parametrize("name", ["igr", "stick_breaking_sticks"])
def test_a_thousand_categories_train_in_float32_at_temperature_a_tenth(host, name):
    k, law = 1000, LAWS[name]
    x = host.array(np.linspace(-1, 1, 3, dtype=np.float32))
    weights = 0.1 * np.random.default_rng(0).normal(size=(k, 3)).astype(np.float32)
    zeros = host.array(np.zeros(k - 1, np.float32))

    def model():
        w = host.param("weights", host.array(weights))
        z = host.sample("z", law(host.igr, 0.1, zeros, zeros + 1))
        host.sample("x", host.dist.Normal(z @ w, 0.1).to_event(1), obs=x)

    def guide():
        loc, log_scale = host.param("loc", zeros), host.param("log_scale", zeros)
        host.sample("z", law(host.igr, 0.1, loc, host.exp(log_scale)))

    losses, _, after = host.fit(host.MEAN_FIELD(), model, guide, 50, 0.02)
    assert np.isfinite(losses).all()
    assert all(np.isfinite(p).all() for p in after.values())
    assert losses[-10:].mean() < losses[:10].mean()


OURS = {
    "TraceDiscreteIWAE_ELBO": {
        "num_samples": 2,
        "plate": (),
        "gradient": "doubly reparameterized",
    },
    "TraceDiscreteKL_ELBO": {},
    "TraceEnumeratedDiscrete_ELBO": {"max_configurations": 7},
    "TraceSTL_ELBO": {},
    "TraceUnorderedSet_ELBO": {"num_samples": 2, "replacement": True},
    "TraceVIMCO_ELBO": {"num_samples": 2},
}


def alone(host):
    """A program of one site."""

    def program():
        zeros = host.array(np.zeros(K - 1, np.float32))
        host.sample("z", host.igr.IGR(0.5, zeros, zeros + 1))

    return program


@pytest.mark.parametrize("name", OURS)
def test_our_engines_can_be_pickled_after_a_step(host, name):
    options, program = OURS[name] | {"num_particles": 3}, alone(host)
    engine = getattr(host.igr, name)(**options)
    host.loss(engine, program, program)
    again = pickle.loads(pickle.dumps(engine))
    assert {option: getattr(again, option) for option in options} == options
    assert float(host.loss(again, program, program)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", OURS)
def test_our_engines_keep_no_program_alive(host, name):
    program = alone(host)
    engine, gone = getattr(host.igr, name)(**OURS[name]), weakref.ref(program)
    host.loss(engine, program, program)
    del program
    gc.collect()
    assert gone() is None
