"""discretize makes every latent site discrete, and nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from cases import BY_LARGEST_WEIGHT, WITH_PROBS
from jax import random
from numpyro import handlers, infer
from numpyro_families import LOC, SCALE, K, make
from numpyro_families import fresh_host as fresh_host
from numpyro_programs import (
    PROGRAMS,
    N,
    as_event,
    bare,
    in_plates,
    innermost,
    latent_sites,
    masked_distribution,
)

from numpyro_igr import IGR, OneHotCategorical, discretize

ON_THE_SIMPLEX = [name for name in WITH_PROBS if name != "exp_igr"]


@pytest.mark.parametrize("name", ON_THE_SIMPLEX)
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_sites_become_one_hot_inside_their_context(program, name):
    law = make(name)
    relaxed = latent_sites(program, law)
    discrete = latent_sites(discretize(program), law)
    assert relaxed.keys() == discrete.keys()
    for site_name, site in discrete.items():
        before = relaxed[site_name]
        found, origin = innermost(site["fn"]), innermost(before["fn"])
        assert type(found) is OneHotCategorical
        expected = jnp.broadcast_to(origin.probs, found.probs.shape)
        np.testing.assert_allclose(found.probs, expected, rtol=1e-5)
        assert site["fn"].batch_shape == before["fn"].batch_shape
        assert site["fn"].event_shape == before["fn"].event_shape
        assert site["scale"] == before["scale"]
        assert found.support(site["value"]).all()
        kept = before["fn"].log_prob(before["value"]) != 0
        np.testing.assert_array_equal(site["fn"].log_prob(site["value"]) != 0, kept)


def test_observed_sites_and_other_distributions_are_untouched():
    value = jnp.array([0.1, 0.2, 0.3, 0.4])
    laws = {
        "observed": (make("igr"), value),
        "normal": (dist.Normal(jnp.asarray(LOC), 1.0).to_event(1), None),
        "masked": (dist.Normal().mask(True), None),
        "expanded": (dist.Normal().expand([2]), None),
        "discrete": (dist.Categorical(jnp.ones(3) / 3), None),
    }

    def program():
        for name, (law, obs) in laws.items():
            numpyro.sample(name, law, obs=obs)

    trace = handlers.trace(handlers.seed(discretize(program), 0)).get_trace()
    assert all(trace[name]["fn"] is law for name, (law, _) in laws.items())


def test_conditioned_sites_are_untouched():
    value = jnp.array([0.1, 0.2, 0.3, 0.4])
    conditioned = handlers.condition(lambda: bare(make("igr")), {"z": value})
    trace = handlers.trace(discretize(conditioned)).get_trace()
    assert isinstance(trace["z"]["fn"], IGR)


@pytest.mark.parametrize("program", [bare, as_event, masked_distribution])
def test_exp_igr_is_refused_by_name(program):
    program = handlers.seed(discretize(program), 0)
    with pytest.raises(ValueError, match=r"site 'z', but the value of ExpIGR is log z"):
        program(make("exp_igr"))


@pytest.mark.parametrize("name", BY_LARGEST_WEIGHT)
def test_distributions_without_a_closed_discrete_form_become_one_hot_too(name):
    law = make(name)
    site = latent_sites(discretize(in_plates), law)["z"]
    assert site["fn"].batch_shape == (2, N)
    found = site["fn"].probs[0, 0]
    np.testing.assert_allclose(found, law.probs, rtol=1e-5)


X = np.array([[0.5], [-1.0], [1.5]], np.float32)
MEANS = np.array([[-1.0], [0.0], [1.0], [2.0]], np.float32)
PRIOR = np.array([0.1, 0.2, 0.3, 0.4], np.float32)


def mixture():
    with numpyro.plate("data", len(X)):
        z = numpyro.sample("z", IGR.from_probs(0.5, PRIOR))
        numpyro.sample("x", dist.Normal(z @ MEANS, 1.0).to_event(1), obs=X)


def mixture_guide():
    with numpyro.plate("data", len(X)):
        loc = jnp.asarray(LOC) * jnp.ones((len(X), 1))
        numpyro.sample("z", IGR(0.5, loc, jnp.asarray(SCALE)))


def enumerated():
    """The bound and the evidence, by summing over the categories."""
    log_q = make("igr").logits
    joint = jnp.log(PRIOR) + dist.Normal(MEANS[:, 0], 1.0).log_prob(X)
    bound = (jnp.exp(log_q) * (joint - log_q)).sum()
    return bound, jax.nn.logsumexp(joint, -1).sum()


def bounds(engine, count):
    model, guide = discretize(mixture), discretize(mixture_guide)
    losses = jax.jit(jax.vmap(lambda key: engine.loss(key, {}, model, guide)))
    return -losses(random.split(random.key(0), count))


def test_the_bound_of_the_discrete_model_agrees_with_enumeration():
    found = bounds(infer.Trace_ELBO(), 5000)
    elbo, evidence = enumerated()
    assert abs(found.mean() - elbo) < 4 * found.std() / len(found) ** 0.5
    assert found.mean() < evidence


def test_the_importance_weighted_bound_lies_between_the_bound_and_the_evidence():
    found = bounds(infer.RenyiELBO(alpha=0, num_particles=20), 500)
    elbo, evidence = enumerated()
    error = found.std() / len(found) ** 0.5
    assert elbo + 4 * error < found.mean() < evidence + 4 * error


def test_the_discrete_model_can_be_summed_out():
    choices = jnp.stack(jnp.meshgrid(*[jnp.arange(K)] * len(X)), -1).reshape(-1, len(X))

    def log_joint(index):
        value = {"z": jnp.eye(K)[index]}
        return infer.util.log_density(discretize(mixture), (), {}, value)[0]

    found = jax.nn.logsumexp(jax.vmap(log_joint)(choices))
    assert found == pytest.approx(float(enumerated()[1]), rel=1e-5)


def test_a_discrete_site_in_a_plate_can_be_enumerated():
    site = latent_sites(discretize(in_plates), make("igr"))["z"]
    values = site["fn"].enumerate_support()
    assert values.shape == (K, 2, N, K)
    total = jax.nn.logsumexp(site["fn"].log_prob(values), 0)
    np.testing.assert_allclose(total, 0, atol=1e-6)
