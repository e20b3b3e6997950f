"""The distributions in half, single and double precision."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from cases import WITH_PROBS
from jax import random
from numpyro.distributions.kl import kl_divergence
from numpyro.infer import SVI
from numpyro_families import every_family, every_family_and_flow, make
from numpyro_families import fresh_host as fresh_host
from x64 import enable_x64

import numpyro_igr as igr

KEY = random.key(0)
LOC = np.linspace(-1, 1, 9)
SCALE = np.linspace(0.5, 1.5, 9)


def of_dtype(name, dtype, temperature=0.5):
    return make(name, temperature, LOC.astype(dtype), SCALE.astype(dtype))


def dtypes_of(name, law):
    value = law.sample(KEY)
    found = [value, law.log_prob(value), kl_divergence(law, law)]
    found += [law.probs] if name in WITH_PROBS else []
    return {x.dtype for x in found}


@every_family_and_flow
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_parameters_give_single_precision_samples(name, dtype):
    law = of_dtype(name, dtype)
    draws = law.sample(KEY, (10_000,))
    assert draws.dtype == jnp.float32
    assert law.support(draws).all()
    log_prob = law.log_prob(draws)
    assert log_prob.dtype == jnp.float32
    assert not jnp.isnan(log_prob).any()
    assert not (log_prob == jnp.inf).any()


@every_family_and_flow
def test_single_precision_stays_single(name):
    assert dtypes_of(name, of_dtype(name, np.float32)) == {np.dtype("float32")}


@every_family
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_precision_keeps_its_own_under_x64(name, dtype):
    with enable_x64(True):
        law = of_dtype(name, dtype)
        assert dtypes_of(name, law) == {np.dtype(dtype)}
        made = jax.jit(lambda tau: of_dtype(name, dtype, tau).sample(KEY))(0.5)
        assert made.dtype == dtype


@pytest.mark.parametrize(
    "family",
    [
        igr.ExpRelaxedOneHotCategorical,
        igr.RelaxedOneHotCategorical,
        igr.RelaxedOneHotCategoricalStraightThrough,
        igr.OneHotCategoricalReinMax,
    ],
)
def test_a_plain_temperature_keeps_single_precision_under_x64(family):
    with enable_x64(True):
        law = family(0.5, logits=jnp.zeros((2, 3), jnp.float32))
        value = law.sample(KEY)
        assert value.dtype == law.log_prob(value).dtype == jnp.float32


# As JAX_NUMPY_DTYPE_PROMOTION=strict of programs that guard their precision.
@every_family_and_flow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_strict_promotion_of_dtypes_refuses_no_family(name, dtype):
    with enable_x64(True), jax.numpy_dtype_promotion("strict"):
        law = of_dtype(name, dtype)
        assert dtypes_of(name, law) == {np.dtype(dtype)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_strict_promotion_of_dtypes_refuses_no_kl_of_a_kumaraswamy(dtype):
    one = np.ones((), dtype)
    with enable_x64(True), jax.numpy_dtype_promotion("strict"):
        kl = kl_divergence(igr.Kumaraswamy(2 * one, 3 * one), dist.Beta(one, 5 * one))
    assert kl.dtype == dtype


@pytest.mark.parametrize("num_sticks", [4, None])
def test_a_strict_promotion_of_dtypes_refuses_no_counts_without_a_bound(num_sticks):
    law = dist.Poisson(3.0)
    with jax.numpy_dtype_promotion("strict"):
        found = igr.InfiniteIGR.from_discrete(0.5, law, num_sticks).probs[:4]
    np.testing.assert_allclose(found, np.exp(law.log_prob(np.arange(4))), rtol=1e-4)


@pytest.mark.parametrize(
    "engine", [igr.TraceUnorderedSet_ELBO(2), igr.TraceRELAX_ELBO(control_variate=None)]
)
def test_a_strict_promotion_of_dtypes_refuses_no_unbiased_gradient(engine):
    def program(probs):
        prior = igr.IGRStickBreaking.from_probs(0.5, jnp.array(probs))
        numpyro.sample("z", prior)

    model, guide = partial(program, [0.5, 0.5]), partial(program, [0.2, 0.8])
    with jax.numpy_dtype_promotion("strict"):
        guide = engine.with_parameters(guide) if hasattr(engine, "name") else guide
        svi = SVI(model, guide, numpyro.optim.Adam(0.01), engine)
        _, loss = svi.update(svi.init(KEY))
    assert jnp.isfinite(loss)


every_half = pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])


# Noise in bfloat16 has so many ties that the first 128 would have 0.74 of the samples.
@every_half
@pytest.mark.parametrize(
    "family", [igr.OneHotCategorical, partial(igr.OneHotCategoricalReinMax, 1.0)]
)
def test_one_hot_samples_in_half_precision_favor_no_category(family, dtype):
    draws = family(logits=jnp.zeros(256, dtype)).sample(KEY, (20_000,))
    assert draws.dtype == dtype
    share = draws[:, :128].sum(dtype=jnp.float32) / 20_000
    assert share == pytest.approx(0.5, abs=0.02)


@every_half
def test_a_gumbel_softmax_scores_values_in_half_precision(dtype):
    probs = jnp.array([0.2, 0.3, 0.1, 0.4])
    law = igr.RelaxedOneHotCategorical(1.0, probs, validate_args=True)
    value = law.sample(KEY, (100,)).astype(dtype)
    single = value.astype(jnp.float32)
    expected = law.log_prob(single / single.sum(-1, keepdims=True))
    assert jnp.isfinite(expected).all()
    np.testing.assert_allclose(law.log_prob(value), expected, rtol=1e-5)
    with pytest.warns(UserWarning, match="within the support"):
        assert (law.log_prob(value / 2) == -jnp.inf).all()


TAILS = {
    "default": lambda: None,
    "numbers": lambda: dist.Normal(0.0, 1.0),
    "GEM": lambda: igr.GEM(2.0, 3),
}


@pytest.mark.parametrize("tail", TAILS)
def test_broken_sticks_have_the_dtype_of_the_given_ones(tail):
    with enable_x64(True):
        single = jnp.zeros(3, jnp.float32)
        law = igr.InfiniteIGR(0.5, single, single + 1, tail=TAILS[tail]())
        found = law.break_rest(KEY, law.sample(KEY), 4)
    assert found.dtype == jnp.float32
