"""A relaxed value that is compared, rounded or made an index is refused in NumPyro."""

from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
import pytest
from jax import lax, nn
from jax.scipy.special import entr, xlogy
from numpyro.contrib.control_flow import scan
from numpyro.infer import SVI, TraceMeanField_ELBO

from numpyro_igr import (
    IGR,
    AutoIGR,
    IGRStraightThrough,
    OneHotCategorical,
    TraceDiscreteKL_ELBO,
    TraceSTL_ELBO,
    relax,
    straight_through,
)
from numpyro_igr.handlers._uses import check_uses

KEY = jax.random.key(0)
PAIR, TRIPLE = jnp.array([0.1, 0.9]), jnp.array([0.1, 0.5, 0.9])
EXP = dist.transforms.ExpTransform()
WEIGHTS = jnp.ones((3, 4))
SITES = {
    "b": lambda: dist.Bernoulli(0.9),
    "n": lambda: dist.Poisson(2.0),
    "z": lambda: OneHotCategorical(jnp.ones(3) / 3),
}


def program(site, use):
    """A model with one discrete site, on which the mean of an observation depends."""

    def model():
        found = use(numpyro.sample(site, SITES[site]()))
        if isinstance(found, dist.Distribution):
            numpyro.sample("x", found, obs=1)
        else:
            numpyro.sample("x", dist.Normal(found, 1.0), obs=1.0)

    return relax(model, 0.2, num_sticks=5)


def count_in_python(n):
    return sum((1.0 for _ in range(int(n))), 0.0)


def with_mask(b):
    return dist.Normal(0.0, 1.0).mask(b > 0.5)


def branch(b):
    return lax.cond(b > 0.5, lambda: 1.0, lambda: 0.0)


def switch(n):
    return lax.switch(n.astype(int), [lambda: 1.0, lambda: 0.0])


def loop(n):
    return lax.while_loop(lambda i: i < n, lambda i: i + 1.0, 0.0)


def in_steps(z):
    return lax.scan(lambda sums, x: (sums + x @ TRIPLE, x), 0.0, jnp.stack([z, z]))[0]


MISUSES = {
    "index": ("b", lambda b: PAIR[b.astype(int)]),
    "index by a float": ("b", lambda b: PAIR[b]),
    "take": ("b", lambda b: jnp.take(PAIR, b.astype(int))),
    "take by a float": ("b", lambda b: jnp.take(PAIR, b)),
    "where": ("b", lambda b: jnp.where(b > 0.5, 1.0, 0.0)),
    "equality": ("b", lambda b: (b == 1) * 2.0),
    "round": ("b", lambda b: b.round()),
    "floor of a function": ("b", lambda b: jnp.floor(b + 0.5)),
    "branch": ("b", lambda b: 1.0 if b == 1 else 0.0),
    "cond": ("b", branch),
    "mask": ("b", with_mask),
    "loop in Python": ("n", count_in_python),
    "loop": ("n", loop),
    "switch": ("n", switch),
    "one_hot": ("n", lambda n: nn.one_hot(n, 9)[1]),
    "number of trials": ("n", lambda n: dist.Binomial(n, 0.5, validate_args=True)),
    "argmax": ("z", lambda z: TRIPLE[z.argmax(-1)]),
    "argmax beside a product": ("z", lambda z: TRIPLE[z.argmax(-1)] + z @ TRIPLE),
    "boolean index": ("z", lambda z: TRIPLE[z > 0.5].sum()),
    "threshold of a product": ("z", lambda z: jnp.where(z @ TRIPLE > 0.5, 1.0, 0.0)),
}


@pytest.mark.filterwarnings("ignore:jax.nn.one_hot")
@pytest.mark.parametrize("use", MISUSES)
def test_a_misuse_is_refused_by_the_name_of_the_site(use):
    site, function = MISUSES[use]
    with pytest.raises(ValueError, match=f"site '{site}' is relaxed.*lookup"):
        check_uses(program(site, function))


USES = {
    "product": ("b", lambda b: 2 * b),
    "power": ("b", lambda b: PAIR[0] ** b * PAIR[1] ** (1 - b)),
    "clip": ("b", lambda b: jnp.clip(b, 0.1, 0.9)),
    "nothing": ("b", lambda b: 0.0),
    "rate": ("n", lambda n: dist.Poisson(n + 0.1, validate_args=True)),
    "transform": (
        "n",
        lambda n: dist.TransformedDistribution(dist.Normal(n, 1.0), EXP),
    ),
    "interp": ("b", lambda b: jnp.interp(b, jnp.arange(2.0), PAIR)),
    "logsumexp": ("z", lambda z: nn.logsumexp(TRIPLE, b=z)),
    "matrix": ("z", lambda z: jnp.einsum("i,i->", z, TRIPLE)),
    "network": ("z", lambda z: nn.softplus(nn.leaky_relu(z @ WEIGHTS).sum())),
    "activation": ("z", lambda z: nn.leaky_relu(z).sum() + nn.elu(z).sum()),
    "entropy": ("z", lambda z: entr(z).sum()),
    "xlogy": ("z", lambda z: xlogy(z, TRIPLE).sum()),
    "logaddexp": ("z", lambda z: jnp.logaddexp(z[0], z[1])),
    "softmax": ("z", lambda z: nn.softmax(z) @ TRIPLE),
    "slice": ("z", lambda z: z[..., 0]),
    "vmap": ("z", lambda z: jax.vmap(jnp.sin)(z).sum()),
    "scan": ("z", in_steps),
    "nan_to_num": ("z", lambda z: jnp.nan_to_num(z) @ TRIPLE),
    "straight_through": ("z", lambda z: straight_through(z) @ TRIPLE),
    "stopped": ("z", lambda z: TRIPLE[lax.stop_gradient(z).argmax(-1)]),
    "validated": ("z", lambda z: dist.Categorical(z, validate_args=True)),
    "geometric": ("z", lambda z: dist.Geometric(z[0], validate_args=True)),
}


@pytest.mark.parametrize("use", USES)
def test_a_differentiable_use_is_not_refused(use):
    check_uses(program(*USES[use]))


def test_a_report_of_the_category_is_no_misuse():
    def report(z):
        numpyro.deterministic("category", z.argmax(-1))
        return z @ TRIPLE

    check_uses(program("z", report))


def test_a_value_that_the_next_site_has_for_probabilities_is_no_misuse():
    def model():
        z = numpyro.sample("z", OneHotCategorical(jnp.ones(3) / 3))
        numpyro.sample("next", OneHotCategorical(z))

    check_uses(relax(model, 0.5, family=IGR))


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


def test_it_is_refused_when_the_guide_first_runs():
    model = program(*MISUSES["index"])
    svi = SVI(
        model, AutoIGR(model, 0.2), numpyro.optim.Adam(0.1), TraceMeanField_ELBO()
    )
    with pytest.raises(ValueError, match="site 'b' is relaxed"):
        svi.init(KEY)


@pytest.mark.parametrize("engine", [TraceDiscreteKL_ELBO, TraceSTL_ELBO])
def test_our_objectives_refuse_a_misuse_in_the_model_of_a_hand_written_guide(engine):
    def model():
        z = numpyro.sample("z", IGR.from_probs(0.5, jnp.ones(3) / 3))
        mean = 1.0 if z[0] > 0.5 else 0.0
        numpyro.sample("x", dist.Normal(mean, 1.0), obs=1.0)

    def guide():
        loc = numpyro.param("loc", jnp.zeros(2))
        numpyro.sample("z", IGR(0.5, loc, jnp.ones(2)))

    svi = SVI(model, guide, numpyro.optim.Adam(0.1), engine())
    state = svi.init(KEY)
    with pytest.raises(ValueError, match="site 'z' is relaxed"):
        jax.jit(svi.update)(state)


def test_a_straight_through_value_needs_a_gradient_and_may_be_compared():
    def model(use):
        z = numpyro.sample("z", IGRStraightThrough(0.5, jnp.zeros(2), jnp.ones(2)))
        numpyro.sample("x", dist.Normal(use(z), 1.0), obs=1.0)

    check_uses(model, (lambda z: z @ TRIPLE + TRIPLE[z.argmax(-1)],))
    with pytest.raises(ValueError, match="steps only"):
        check_uses(model, (lambda z: TRIPLE[z.argmax(-1)],))


def test_the_check_runs_once():
    runs = []

    def model():
        runs.append(1)
        numpyro.sample("z", IGR.from_probs(0.5, jnp.ones(3) / 3))

    elbo, guide = TraceDiscreteKL_ELBO(), AutoIGR(model, 0.5, scale=1.0)
    svi = SVI(model, guide, numpyro.optim.Adam(0.1), elbo)
    params = svi.get_params(svi.init(KEY))
    elbo.loss(KEY, params, model, guide)
    first = len(runs)
    elbo.loss(KEY, params, model, guide)
    assert len(runs) == first + 1
