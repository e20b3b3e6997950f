"""The distributions under jit, vmap, grad and scan."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from jax import random
from jax.sharding import Mesh, PartitionSpec
from numpyro import handlers
from numpyro.contrib.control_flow import scan
from numpyro.distributions.batch_util import vmap_over
from numpyro.distributions.kl import kl_divergence
from numpyro.infer import MCMC, NUTS
from numpyro_families import (
    LOC,
    SCALE,
    K,
    every_family,
    every_family_and_flow,
    make,
    on_simplex,
)
from numpyro_families import fresh_host as fresh_host
from x64 import enable_x64

import numpyro_igr as igr
from numpyro_igr import match_probs
from numpyro_igr.discrete import draw_set
from numpyro_igr.infer._relaxed_sample import CountedByDensity
from numpyro_igr.infer.discrete_iwae._linear_sites import CountedLinearly

B = 5
KEY = random.key(0)
TAUS = np.linspace(0.2, 0.9, B, dtype=np.float32)
LOCS = np.float32(LOC) + np.linspace(-1, 1, B, dtype=np.float32)[:, None]
SCALES = np.float32(SCALE) * np.linspace(0.5, 2, B, dtype=np.float32)[:, None]


def assert_same_distribution(found, expected, value):
    assert type(found) is type(expected)
    assert found.batch_shape == expected.batch_shape
    assert found.event_shape == expected.event_shape
    found, expected = found.log_prob(value), expected.log_prob(value)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@every_family
def test_a_distribution_goes_into_and_out_of_jit(name):
    law = make(name, TAUS, LOCS, SCALES)
    value = law.sample(KEY)
    assert_same_distribution(jax.jit(lambda law: law)(law), law, value)
    made = jax.jit(lambda *args: make(name, *args))(TAUS, LOCS, SCALES)
    assert_same_distribution(made, law, value)
    found = jax.jit(lambda law, value: law.log_prob(value))(law, value)
    np.testing.assert_allclose(found, law.log_prob(value), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "counted",
    [
        CountedByDensity,
        lambda law: CountedByDensity(law, jnp.arange(float(B))),
        lambda law: CountedLinearly(law, law.to_discrete(), law.to_discrete()),
    ],
)
def test_what_a_relaxed_site_counts_by_goes_into_and_out_of_jit(counted):
    law = counted(make("stick_breaking_sticks", TAUS, LOCS, SCALES))
    assert_same_distribution(jax.jit(lambda law: law)(law), law, law.sample(KEY))


@every_family
def test_a_new_temperature_compiles_nothing(name):
    traces = []

    @jax.jit
    def law_and_value(tau, law):
        traces.append(tau)
        made = make(name, tau)
        value = made.sample(KEY)
        return law.log_prob(value), kl_divergence(made, make(name, tau))

    for tau in (0.9, 0.5, 0.1):
        law_and_value(tau, make(name, tau))
    assert len(traces) == 1


@every_family
def test_vmap_of_the_constructor_is_a_batch_of_distributions(name):
    laws = jax.vmap(lambda *args: make(name, *args))(TAUS, LOCS, SCALES)
    expected = make(name, TAUS, LOCS, SCALES)
    value = expected.sample(KEY)
    log_prob = jax.vmap(lambda law, value: law.log_prob(value))(laws, value)
    np.testing.assert_allclose(log_prob, expected.log_prob(value), rtol=1e-4, atol=1e-5)
    draws = jax.vmap(lambda law, key: law.sample(key))(laws, random.split(KEY, B))
    assert draws.shape == (B, K)
    assert expected.support(draws).all()


@every_family
def test_vmap_over_one_parameter_of_a_distribution(name):
    def of_loc(loc):
        return make(name, 0.5, loc, SCALE)

    axes = vmap_over(of_loc(LOCS[0]), loc=0)
    laws = jax.vmap(of_loc, out_axes=axes)(LOCS)
    assert laws.loc.shape == LOCS.shape
    assert jnp.shape(laws.temperature) == ()
    value = of_loc(LOCS).sample(KEY)
    found = jax.vmap(lambda law, x: law.log_prob(x), in_axes=(axes, 0))(laws, value)
    expected = of_loc(LOCS).log_prob(value)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@every_family
def test_gradients_under_jit_are_those_without(name):
    value = make("igr" if name == "straight_through" else name).sample(KEY)

    def objective(tau, loc, scale):
        law = make(name, tau, loc, scale)
        kl = kl_divergence(law, make(name, tau))
        return law.log_prob(value) + law.sample(KEY)[0] + kl

    inputs = 0.5, jnp.asarray(LOC) + 0.1, jnp.asarray(SCALE) + 0.1
    gradient = jax.grad(objective, (0, 1, 2))
    for found, expected in zip(
        jax.jit(gradient)(*inputs), gradient(*inputs), strict=True
    ):
        assert jnp.isfinite(expected).all()
        assert (expected != 0).any()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@every_family_and_flow
def test_lax_scan_carries_distributions(name):
    def step(carry, key):
        law, total = carry
        value = law.sample(key)
        return (law, total + law.log_prob(value)), law

    law = make(name)
    keys = random.split(KEY, 4)
    (last, _), laws = jax.lax.scan(step, (law, 0.0), keys)
    assert_same_distribution(last, law, law.sample(KEY))
    assert laws.loc.shape == (4, K - 1)


def chain(name, z="z", x="x"):
    """A state-space model whose states are distributions of the family.

    Its sites have the names z and x.
    """

    def model(observed):
        def step(loc, x_t):
            law = make(name, 0.5, loc, jnp.ones(K - 1))
            state = on_simplex(name, numpyro.sample(z, law))
            numpyro.sample(x, dist.Normal(state[0], 0.5), obs=x_t)
            return state[: K - 1], state

        _, states = scan(step, jnp.zeros(K - 1), observed)
        return states

    return model


X = np.linspace(0.1, 0.9, 6, dtype=np.float32)


@every_family_and_flow
def test_numpyro_scan_traces_the_sites(name):
    trace = handlers.trace(handlers.seed(chain(name), 0)).get_trace(X)
    assert trace["z"]["value"].shape == (len(X), K)
    assert trace["z"]["fn"].batch_shape == (len(X),)
    log_prob = trace["z"]["fn"].log_prob(trace["z"]["value"])
    assert log_prob.shape == (len(X),)
    if name != "straight_through":
        assert jnp.isfinite(log_prob).all()


def test_nuts_runs_through_numpyro_scan_and_with_data_in_a_plate():
    names, size = ("igr", "exp_igr", "stick_breaking_sticks", "flow"), 2

    def model(observed):  # of all, which are compiled once
        for name in names:
            chain(name, name, f"x_{name}")(observed)
        with numpyro.plate("data", size):
            z = numpyro.sample("z", make("igr"))
            numpyro.sample("x", dist.Normal(z, 0.3).to_event(1), obs=z_observed)

    z_observed = np.array([[0.1, 0.2, 0.6, 0.1], [0.5, 0.2, 0.2, 0.1]], np.float32)

    @jax.jit
    def run(key):
        kernel = NUTS(model, max_tree_depth=2)
        mcmc = MCMC(kernel, num_warmup=2, num_samples=2, progress_bar=False)
        mcmc.run(key, X)
        return mcmc.get_samples()

    draws = run(KEY)
    for name in names:
        assert draws[name].shape == (2, len(X), K)
        assert jnp.isfinite(draws[name]).all()
    assert draws["z"].shape == (2, size, K)


@pytest.mark.parametrize("name", ["IGR", "IGRStickBreaking", "InfiniteIGR"])
def test_known_logits_are_matched_and_checked_within_jit(name):
    from_probs = getattr(igr, name).from_probs

    def locs(logits):
        return jax.jit(lambda x: from_probs(0.5, logits=logits).loc * x)(1.0)

    logits = jnp.array([0.0, 1.0, 2.0])
    found, expected = locs(logits), from_probs(0.5, logits=logits).loc
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="every entry of logits to be finite"):
        locs(logits.at[0].set(-jnp.inf))


def test_means_are_matched_under_jit_as_without():
    rare, probs = [0.6, 0.4, 1e-18], [0.5, 0.3, 0.2]
    scales = {(0.7, 1.2): probs, (0.05, 3.0): probs, (1.0, 0.8): rare}
    with enable_x64(True):
        compiled = jax.jit(match_probs)
        for scale, probs in scales.items():
            given = jnp.asarray(probs), jnp.asarray(scale)
            np.testing.assert_allclose(compiled(*given), match_probs(*given), 1e-9)


PER_DEVICE = {
    "probabilities": lambda locs: make("igr", 0.5, locs).probs,
    "sets": lambda locs: draw_set(locs[:, None], jnp.zeros((1, 2, K - 1)))[0],
}


@pytest.mark.parametrize("name", PER_DEVICE)
def test_devices_of_shard_map_compute_their_shares_of_a_batch(name):
    mesh, share = Mesh(jax.devices()[:1], ("data",)), PartitionSpec("data")
    alone = PER_DEVICE[name]
    shared = jax.shard_map(alone, mesh=mesh, in_specs=share, out_specs=share)
    np.testing.assert_allclose(jax.jit(shared)(LOCS), alone(LOCS), rtol=1e-5)
