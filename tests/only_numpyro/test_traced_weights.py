"""Scales and masks that jit traces, which cannot be compared before it runs."""

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
import pytest
from jax import random
from numpyro.distributions.kl import kl_divergence
from numpyro.handlers import mask, scale
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import IGRStickBreaking, TraceDiscreteKL_ELBO, TraceSTL_ELBO

KEY, ONE = random.key(0), jnp.ones(2)
Q = IGRStickBreaking(0.5, jnp.array([0.4, -0.3]), ONE)
P = IGRStickBreaking(0.5, jnp.array([-0.2, 0.5]), ONE)


def program(law, name):
    """A site under a scale and a mask that are arguments, beside a Gaussian one."""

    def run(in_model, in_guide):
        by, kept = in_model if name == "model" else in_guide
        with scale(scale=by), mask(mask=kept):
            numpyro.sample("z", law)
            numpyro.sample("w", dist.Normal(law.loc[0], 1.0))

    return run


def loss(engine, in_model, in_guide):
    pair = program(P, "model"), program(Q, "guide")
    weights = [(jnp.array(a), jnp.array(b)) for a, b in (in_model, in_guide)]
    return jax.jit(lambda *args: engine.loss(KEY, {}, *pair, *args))(*weights)


def test_the_discrete_kl_counts_each_side_by_its_own():
    engine = TraceDiscreteKL_ELBO(num_particles=4000)
    q, p = Q.to_discrete(), P.to_discrete()
    cross_entropy = kl_divergence(q, p) + q.entropy()
    normal = dist.Normal(P.loc[0], 1.0)
    inner = 0.5 + 0.5 * jnp.log(2 * jnp.pi)
    outer = inner + kl_divergence(dist.Normal(Q.loc[0], 1.0), normal)
    expected = 2.0 * (cross_entropy + outer) - 3.0 * (q.entropy() + inner)
    found = loss(engine, (2.0, True), (3.0, True))
    assert found == pytest.approx(float(expected), abs=0.1)


def test_gaussian_coordinates_give_a_number_only_where_the_weights_are_equal():
    engine = TraceSTL_ELBO()
    assert jnp.isfinite(loss(engine, (2.0, True), (2.0, True)))
    assert jnp.isnan(loss(engine, (2.0, True), (3.0, True)))
    assert jnp.isnan(loss(engine, (2.0, False), (2.0, True)))
