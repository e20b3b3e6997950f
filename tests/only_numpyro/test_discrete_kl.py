"""TraceDiscreteKL_ELBO in NumPyro: exact KL, in plates, and the degenerate scale."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
import pytest
from jax import random
from numpyro import handlers, infer
from numpyro.distributions import constraints
from numpyro.distributions.kl import kl_divergence
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import (
    IGR,
    ExpIGR,
    IGRStickBreaking,
    OneHotCategorical,
    RelaxedOneHotCategorical,
    RelaxedOneHotCategoricalStraightThrough,
    TraceDiscreteKL_ELBO,
    discretize,
)

KEY = random.key(0)
N, K, TAU = 6, 4, 0.5
PARAMETERS = np.linspace(-1, 1, N * K, dtype=np.float32).reshape(N, K)
UNEVEN = np.linspace(0, 1, K, dtype=np.float32)
MASK = np.array([True, False, True])


def gumbel(x):
    return RelaxedOneHotCategorical(TAU, logits=x)


GUIDES = {
    "igr": lambda x: IGR(TAU, x[..., 1:], 0.7),
    "sticks": lambda x: IGRStickBreaking(TAU, x[..., 1:], 0.7),
    "gumbel": gumbel,
    "gumbel_straight_through": lambda x: RelaxedOneHotCategoricalStraightThrough(
        TAU, logits=x
    ),
}
PRIORS = {
    "same_family": lambda name: GUIDES[name](UNEVEN),
    "one_hot": lambda name: OneHotCategorical(logits=UNEVEN),
}

SAME_FAMILY = [("sticks", "same_family"), ("gumbel", "same_family")]


def problem(make_guide, prior):
    def model():
        with numpyro.plate("data", N, subsample_size=3), handlers.scale(scale=0.5):
            z = numpyro.sample("z", prior)
            with handlers.mask(mask=MASK):
                numpyro.sample("c", prior)
            numpyro.sample("x", dist.Normal(z.sum(-1), 1.0), obs=jnp.ones(3))

    def guide():
        x = jnp.asarray(PARAMETERS)
        with (
            numpyro.plate("data", N, subsample_size=3) as i,
            handlers.scale(scale=0.5),
        ):
            numpyro.sample("z", make_guide(x[i]))
            with handlers.mask(mask=MASK):
                numpyro.sample("c", make_guide(x[i]))
        numpyro.deterministic("chosen", i)

    return model, guide


@pytest.mark.parametrize(
    ("name", "prior"), [*((name, "one_hot") for name in GUIDES), *SAME_FAMILY]
)
def test_the_loss_is_the_likelihood_minus_the_exact_discrete_kl(name, prior):
    prior = PRIORS[prior](name)
    model, guide = problem(GUIDES[name], prior)
    loss = jax.jit(lambda: TraceDiscreteKL_ELBO().loss(KEY, {}, model, guide))()
    seeded = handlers.seed(guide, random.split(KEY)[1])
    i = handlers.trace(seeded).get_trace()["chosen"]["value"]
    laws = GUIDES[name](PARAMETERS), prior
    q, p = (OneHotCategorical(jax.jit(lambda x: x.probs)(law)) for law in laws)
    kl, log_x = kl_divergence(q, p), 3 * dist.Normal(1.0, 1.0).log_prob(1.0)
    expected = 0.5 * N / 3 * (kl[i].sum() + kl[i[MASK]].sum() - log_x)
    assert loss == pytest.approx(float(expected), rel=1e-5)


def test_samples_in_the_likelihood_stay_relaxed():
    seen = []
    model, guide = problem(GUIDES["sticks"], PRIORS["one_hot"]("sticks"))

    def watched():
        with handlers.trace() as sites:
            model()
        seen.append(sites["z"]["value"])

    TraceDiscreteKL_ELBO().loss(KEY, {}, watched, guide)
    assert ((seen[0] > 0) & (seen[0] < 1)).all()


def test_a_site_without_a_discrete_distribution_is_as_in_the_mean_field_engine():
    def model():
        numpyro.sample("z", dist.Normal(0.0, 1.0))
        numpyro.sample("c", gumbel(jnp.zeros(K)))

    def guide():
        numpyro.sample("z", dist.Normal(1.0, 2.0))
        numpyro.sample("c", gumbel(jnp.zeros(K)))

    expected = kl_divergence(dist.Normal(1.0, 2.0), dist.Normal(0.0, 1.0))
    loss = TraceDiscreteKL_ELBO().loss(KEY, {}, model, guide)
    assert loss == pytest.approx(float(expected))


def test_a_prior_without_a_discrete_distribution_is_one_clear_error():
    model, guide = problem(GUIDES["igr"], dist.Dirichlet(jnp.ones(K)))
    with pytest.raises(ValueError, match="behind it at site 'z' .* got Dirichlet"):
        TraceDiscreteKL_ELBO().loss(KEY, {}, model, guide)


def test_a_logarithm_in_the_guide_only_is_one_clear_error():
    def exp_igr(x):
        return ExpIGR(TAU, x[..., 1:], 0.7)

    model, guide = problem(exp_igr, PRIORS["same_family"]("igr"))
    with pytest.raises(ValueError, match="value of site 'z' .* got ExpIGR and IGR"):
        TraceDiscreteKL_ELBO().loss(KEY, {}, model, guide)


def test_another_number_of_categories_is_one_clear_error():
    prior = OneHotCategorical(logits=jnp.zeros(K + 1))
    model, guide = problem(GUIDES["igr"], prior)
    with pytest.raises(ValueError, match=f"{K} categories .* 'z' .* got {K + 1}"):
        TraceDiscreteKL_ELBO().loss(KEY, {}, model, guide)


POINTS = np.random.default_rng(0).uniform(-2, 2, (12, 2)).astype(np.float32)


def clusters(is_free):
    """Points between which no discrete code can interpolate, and their guide."""
    prior = IGRStickBreaking(0.5, jnp.zeros(2), jnp.ones(2))

    def model():
        corners = numpyro.param("corners", jnp.eye(3, 2))
        with numpyro.plate("data", len(POINTS)):
            z = numpyro.sample("z", prior)
            x = dist.Normal(z @ corners, 0.2).to_event(1)
            numpyro.sample("x", x, obs=POINTS)

    def guide():
        loc = numpyro.param("loc", jnp.zeros((len(POINTS), 2)))
        scale = jnp.ones((len(POINTS), 2))
        if is_free:
            scale = numpyro.param("scale", scale, constraint=constraints.positive)
        with numpyro.plate("data", len(POINTS)):
            numpyro.sample("z", IGRStickBreaking(0.5, loc, scale))

    return model, guide


def train(is_free):
    """The loss, and that of the discrete model, after training; and the parameters."""
    model, guide = clusters(is_free)
    svi = infer.SVI(model, guide, optax.adam(0.1), TraceDiscreteKL_ELBO())
    result = svi.run(KEY, 400, progress_bar=False)
    discrete = infer.Trace_ELBO(200)
    pair = discretize(model), discretize(guide)
    loss = jax.jit(partial(discrete.loss, model=pair[0], guide=pair[1]))
    return result.losses[-50:].mean(), loss(KEY, result.params), result.params


def test_a_free_scale_degenerates_with_a_warning_and_a_fixed_one_cures_it():
    with pytest.warns(UserWarning, match="scale of the guide at site 'z' is learned"):
        free, free_discrete, parameters = train(is_free=True)
    fixed, fixed_discrete, _ = train(is_free=False)
    assert jnp.median(parameters["scale"]) < 0.3
    assert free < fixed - 20
    assert free_discrete > free + 100
    assert fixed_discrete < free_discrete - 80


def test_the_warning_comes_once_and_only_with_parameters():
    model, guide = clusters(is_free=True)
    engine = TraceDiscreteKL_ELBO(num_particles=2)

    def trace_gradient(parameters):
        gradient = jax.grad(lambda x: engine.loss(KEY, x, model, guide))
        jax.eval_shape(gradient, parameters)

    parameters = {"corners": jnp.eye(3, 2), "loc": jnp.zeros((12, 2))}
    trace_gradient(parameters)
    parameters["scale"] = jnp.ones((12, 2))
    with pytest.warns(UserWarning, match="is learned"):
        trace_gradient(parameters)
    trace_gradient(parameters)


def test_a_probability_of_the_prior_that_underflows_has_its_logarithm():
    q, p = (
        IGRStickBreaking(TAU, np.float32([loc, 0.3, 0.0]), np.ones(3, np.float32))
        for loc in (-0.2, -20.0)
    )
    found = TraceDiscreteKL_ELBO().loss(
        KEY, {}, lambda: numpyro.sample("z", p), lambda: numpyro.sample("z", q)
    )
    assert p.probs[0] == 0
    expected = (q.probs * (q.logits - p.logits)).sum()
    assert found == pytest.approx(float(expected), rel=1e-5)
