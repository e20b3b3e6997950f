"""What a relaxed model may draw around NumPyro's cond."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
import pytest
from jax import random
from numpyro.contrib.control_flow import cond
from numpyro.handlers import reparam, seed, trace
from numpyro.infer.reparam import LocScaleReparam

from numpyro_igr import (
    AutoIGR,
    IGRStickBreaking,
    TraceDiscreteKL_ELBO,
    TraceEnumeratedDiscrete_ELBO,
    TraceVIMCO_ELBO,
    relax,
)

KEY, PRIOR, LOC = random.key(0), jnp.array([0.2, 0.8]), jnp.array([-1.0, 2.0])
X = jnp.array(0.3)


def draw(probs=PRIOR):
    return numpyro.sample("z", IGRStickBreaking.from_probs(0.5, probs))


def observe(z, scale):
    numpyro.sample("x", dist.Normal(z @ LOC, scale), obs=X)


def guide():
    draw(jnp.array([0.6, 0.4]))


@pytest.mark.parametrize(
    "engine",
    [TraceDiscreteKL_ELBO(), TraceEnumeratedDiscrete_ELBO(), TraceVIMCO_ELBO(2)],
)
def test_a_relaxed_site_within_cond_is_refused_as_the_guide_does_not_reach_it(engine):
    def model():
        cond(True, *(lambda _, s=s: observe(draw(), s) for s in (1.0, 2.0)), None)

    with pytest.raises(ValueError, match="'z' is drawn within a cond.* before the con"):
        engine.loss(KEY, {}, model, guide)


def test_a_relaxed_site_within_cond_is_refused_by_auto_igr():
    def model():
        cond(True, *(lambda _, s=s: observe(draw(), s) for s in (1.0, 2.0)), None)

    with pytest.raises(ValueError, match="'z' is drawn within a cond"):
        seed(AutoIGR(model, temperature=0.5), 0)()


def test_a_reparameterized_site_beside_relaxed_ones_is_no_cond():
    def model():
        with reparam(config={"y": LocScaleReparam(0.0)}):
            y = numpyro.sample("y", dist.Normal(draw() @ LOC, 1.0))
        numpyro.sample("x", dist.Normal(y, 1.0), obs=X)

    def guide():
        draw()
        numpyro.sample("y_decentered", dist.Normal(0.0, 1.0))

    loss = TraceEnumeratedDiscrete_ELBO(1000).loss(KEY, {}, model, guide)
    means = jnp.square(X - LOC) + 1.0  # E (x - y)^2, given each category
    exact = jnp.log(2 * jnp.pi) / 2 + PRIOR @ means / 2
    assert float(loss) == pytest.approx(float(exact), rel=0.05)


def test_a_discrete_site_within_cond_is_refused_by_relax():
    def model():
        def branch(_):
            return numpyro.sample("z", dist.Bernoulli(0.3))

        cond(True, branch, branch, None)

    with pytest.raises(ValueError, match="site 'z' .* draw it before a cond"):
        seed(relax(model, 0.5), 0)()


@pytest.mark.parametrize("is_narrow", [True, False])
def test_a_relaxed_site_before_cond_is_summed_out(is_narrow):
    def model():
        z = draw()
        cond(is_narrow, *(lambda _, s=s: observe(z, s) for s in (1.0, 2.0)), None)

    loss = TraceEnumeratedDiscrete_ELBO().loss(KEY, {}, model, guide)
    q = trace(seed(guide, 0)).get_trace()["z"]["fn"].probs
    log_p = jnp.log(PRIOR) + dist.Normal(LOC, 1.0 if is_narrow else 2.0).log_prob(X)
    exact = float((q * (log_p - jnp.log(q))).sum())
    assert -float(loss) == pytest.approx(exact, rel=1e-5)
