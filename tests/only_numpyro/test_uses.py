"""A relaxed value that is compared, rounded or made an index by means of JAX."""

from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
import pytest
from jax import lax, nn
from jax.scipy import special
from jax.scipy.special import entr, kl_div, xlogy
from numpyro.contrib.control_flow import scan
from numpyro.infer import SVI

from numpyro_igr import (
    IGR,
    OneHotCategorical,
    TraceDiscreteKL_ELBO,
    TraceSTL_ELBO,
    relax,
)
from numpyro_igr.handlers._uses import check_uses

KEY = jax.random.key(0)
PAIR, TRIPLE = jnp.array([0.1, 0.9]), jnp.array([0.1, 0.5, 0.9])
WEIGHTS = jnp.ones((3, 4))
SITES = {
    "b": lambda: dist.Bernoulli(0.9),
    "n": lambda: dist.Poisson(2.0),
    "z": lambda: OneHotCategorical(jnp.ones(3) / 3),
}


def program(site, use):
    """A model with one discrete site, on which the mean of an observation depends."""

    def model():
        mean = use(numpyro.sample(site, SITES[site]()))
        numpyro.sample("x", dist.Normal(mean, 1.0), obs=1.0)

    return relax(model, 0.2, num_sticks=5)


def branch(b):
    return lax.cond(b > 0.5, lambda: 1.0, lambda: 0.0)


def switch(n):
    return lax.switch(n.astype(int), [lambda: 1.0, lambda: 0.0])


def loop(n):
    return lax.while_loop(lambda i: i < n, lambda i: i + 1.0, 0.0)


def in_steps(z):
    return lax.scan(lambda sums, x: (sums + x @ TRIPLE, x), 0.0, jnp.stack([z, z]))[0]


@jax.jit
def binary_cross_entropy_with_logits(b):  # a name that the host has, too
    return jnp.where(b > 0.5, 1.0, 0.0)


MISUSES = {
    "name of the host": ("b", binary_cross_entropy_with_logits),
    "take": ("b", lambda b: jnp.take(PAIR, b.astype(int))),
    "take by a float": ("b", lambda b: jnp.take(PAIR, b)),
    "cond": ("b", branch),
    "loop": ("n", loop),
    "switch": ("n", switch),
    "switch by a float": ("b", lambda b: lax.switch(b, [lambda: 1.0, lambda: 0.0])),
    "slice": ("b", lambda b: lax.dynamic_slice(PAIR, (b,), (1,))[0]),
    "heaviside": ("z", lambda z: jnp.heaviside(z @ TRIPLE - 0.5, 0.5)),
    "number of turns": ("n", lambda n: lax.fori_loop(0, n, lambda i, x: x + 1, 0.0)),
    "one_hot": ("n", lambda n: nn.one_hot(n, 9)[1]),
    "repeat": ("b", lambda b: jnp.repeat(PAIR, b).sum()),
    "boolean index": ("z", lambda z: TRIPLE[z > 0.5].sum()),
}


@pytest.mark.filterwarnings("ignore:jax.nn.one_hot")
@pytest.mark.parametrize("use", MISUSES)
def test_a_misuse_by_functions_of_jax_is_refused_by_name(use):
    site, function = MISUSES[use]
    with pytest.raises(ValueError, match=f"site '{site}' is relaxed.*lookup"):
        check_uses(program(site, function))


USES = {
    "interp": ("b", lambda b: jnp.interp(b, jnp.arange(2.0), PAIR)),
    "logsumexp": ("z", lambda z: nn.logsumexp(TRIPLE, b=z)),
    "network": ("z", lambda z: nn.softplus(nn.leaky_relu(z @ WEIGHTS).sum())),
    "activation": ("z", lambda z: nn.leaky_relu(z).sum() + nn.elu(z).sum()),
    "entropy": ("z", lambda z: entr(z).sum()),
    "kl_div": ("z", lambda z: kl_div(z, TRIPLE).sum() + kl_div(TRIPLE, z).sum()),
    "sinc": ("b", jnp.sinc),
    "xlogy": ("z", lambda z: xlogy(z, TRIPLE).sum()),
    "vmap": ("z", lambda z: jax.vmap(jnp.sin)(z).sum()),
    "scan": ("z", in_steps),
    "nan_to_num": ("z", lambda z: jnp.nan_to_num(z) @ TRIPLE),
    "beta": ("z", lambda z: special.beta(z, TRIPLE).sum()),
    "binomial coefficient": ("n", lambda n: special.comb(5.0, n)),
    "boxcox": ("b", lambda b: special.boxcox(2.0, b) + special.boxcox1p(2.0, b)),
    "gamma": ("z", lambda z: special.gamma(z + 1).sum()),
    "ndtri": ("b", lambda b: special.ndtri(b / 2 + 0.1)),
}


@pytest.mark.parametrize("use", USES)
def test_a_differentiable_use_by_functions_of_jax_is_not_refused(use):
    check_uses(program(*USES[use]))


@pytest.mark.parametrize("is_misuse", [True, False])
def test_the_step_of_a_scan_is_looked_into(is_misuse):
    def step(mean, x):
        z = numpyro.sample("z", OneHotCategorical(jnp.ones(3) / 3))
        mean = mean + (TRIPLE[z.argmax(-1)] if is_misuse else z @ TRIPLE)
        numpyro.sample("x", dist.Normal(mean, 1.0), obs=x)
        return mean, None

    def model():
        scan(relax(step, 0.5), 0.0, jnp.ones(4))

    refusal = pytest.raises(ValueError, match="site 'z' is relaxed")
    with refusal if is_misuse else nullcontext():
        check_uses(model)


def test_two_sites_are_told_apart():
    def model():
        a, b = (numpyro.sample(name, dist.Bernoulli(0.4)) for name in "ab")
        probs = jnp.where(b == 0, a / 2 + 0.1, 0.3)
        numpyro.sample("x", dist.Bernoulli(probs), obs=1.0)

    with pytest.raises(ValueError, match="site 'b' is relaxed"):
        check_uses(relax(model, 0.5))


@pytest.mark.parametrize("engine", [TraceDiscreteKL_ELBO, TraceSTL_ELBO])
def test_a_branch_is_refused_under_jit(engine):
    def model():
        z = numpyro.sample("z", IGR(0.5, jnp.zeros(2), jnp.ones(2)))
        mean = 1.0 if z[0] > 0.5 else 0.0
        numpyro.sample("x", dist.Normal(mean, 1.0), obs=1.0)

    def guide():
        loc = numpyro.param("loc", jnp.zeros(2))
        numpyro.sample("z", IGR(0.5, loc, jnp.ones(2)))

    svi = SVI(model, guide, numpyro.optim.Adam(0.1), engine())
    state = svi.init(KEY)
    with pytest.raises(ValueError, match="site 'z' is relaxed"):
        jax.jit(svi.update)(state)
