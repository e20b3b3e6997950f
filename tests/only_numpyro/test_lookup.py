"""Uniform integers choose rows, and under jit what chooses none is nan."""

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import logsumexp
from numpyro import handlers
from numpyro.infer import SVI, Trace_ELBO

from numpyro_igr import AutoIGR, TraceDiscreteKL_ELBO, discretize, lookup, relax

KEY = jax.random.key(0)
MEANS = jnp.array([[-1.0, 0.0], [1.0, 1.0], [0.0, -1.0]])
X = MEANS[jnp.arange(12) % 3] + 0.4 * jnp.sin(jnp.arange(24.0)).reshape(12, 2)


def uniform():
    with numpyro.plate("data", len(X)):
        z = numpyro.sample("z", dist.DiscreteUniform(2, 4))
        loc = lookup(MEANS, z, low=2)
        numpyro.sample("x", dist.Normal(loc, 0.4).to_event(1), obs=X)


def trained(model, **options):
    relaxed = relax(model, 0.2, **options)
    guide = AutoIGR(relaxed, 0.2)
    svi = SVI(relaxed, guide, numpyro.optim.Adam(0.1), TraceDiscreteKL_ELBO())
    params = svi.run(KEY, 300, progress_bar=False).params
    pair = discretize(relaxed), discretize(guide)
    loss = jax.jit(lambda params: Trace_ELBO(100).loss(KEY, params, *pair))
    return -float(loss(params))


def test_a_declared_uniform_site_has_the_first_row_at_its_lowest_integer():
    log_probs = dist.Normal(MEANS[:, None], 0.4).to_event(1).log_prob(X)
    exact = float((logsumexp(log_probs, 0) - jnp.log(3)).sum())
    assert exact - 0.6 < trained(uniform, one_hot={"z"}) < exact + 0.2
    handlers.seed(uniform, 0)()


def test_what_cannot_be_checked_under_jit_is_nan():
    def row(z, **options):
        return jax.jit(lambda z: lookup(MEANS[:, 0], z, **options))(z)

    assert jnp.isnan(row(jnp.array([-1, 3]))).all()
    assert jnp.isnan(row(jnp.array([-0.5, 2.5]), event_dim=0)).all()
    assert (jax.vmap(row)(jnp.arange(3)) == MEANS[:, 0]).all()


def test_one_hot_integers_are_not_warned_of_under_jit():
    z = jnp.eye(3, dtype=int)
    found = jax.jit(lambda z: lookup(MEANS[:, 0], z))(z)
    assert (found == MEANS[z, 0]).all()
    assert (jax.vmap(lambda z: lookup(MEANS[:, 0], z))(z) == found).all()


def test_a_multinomial_of_one_draw_chooses_one_row_relaxed_or_not():
    def model():
        z = numpyro.sample("z", dist.Multinomial(1, jnp.array([0.2, 0.3, 0.5])))
        return lookup(MEANS, z, event_dim=1)

    for program in model, relax(model, 0.5):
        assert handlers.seed(program, 0)().shape == (2,)
