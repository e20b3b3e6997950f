"""What relax keeps, what it is told to deliver as vectors, and its temperature."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro import handlers, infer
from numpyro.contrib.funsor import config_enumerate
from numpyro.optim import Adam
from numpyro_families import fresh_host as fresh_host
from numpyro_programs import innermost

from numpyro_igr import AutoIGR, IGRReparam, IGRStickBreaking, OneHotCategorical, relax

PROBS = jnp.array([0.1, 0.2, 0.4, 0.3])
MEANS = jnp.array([-1.0, 0.0, 1.0, 2.0])
SHIFTS = jnp.array([0.0, 0.5, -0.5, 1.0])
X = jnp.array([0.5, -1.0, 1.5])
POINT = jnp.array([0.2, 0.5, 0.2, 0.1])


def two_sites():
    y = numpyro.sample("y", OneHotCategorical(PROBS))
    with numpyro.plate("data", len(X)):
        z = numpyro.sample("z", dist.Categorical(PROBS))
        numpyro.sample("x", dist.Normal(MEANS[z] + y @ SHIFTS, 1.0), obs=X)


def site(program, name):
    return handlers.trace(handlers.seed(program, 0)).get_trace()[name]


@pytest.mark.parametrize("mark", [config_enumerate, lambda model: model])
def test_a_site_that_is_kept_is_untouched(mark):
    program = relax(mark(two_sites), 0.5, keep={"z"})
    assert isinstance(innermost(site(program, "z")["fn"]), dist.CategoricalProbs)
    assert type(site(program, "y")["fn"]) is IGRStickBreaking
    assert not site(program, "y")["infer"].get("enumerate")


def test_a_kept_site_is_enumerated_beside_a_relaxed_one():
    program = config_enumerate(two_sites)
    kept = handlers.condition(relax(program, 0.5, keep={"z"}), {"y": POINT})
    found = -infer.TraceEnum_ELBO().loss(jax.random.key(0), {}, kept, lambda: None)
    means = MEANS + POINT @ SHIFTS
    joint = jnp.log(PROBS) + dist.Normal(means, 1.0).log_prob(X[:, None])
    prior = site(relax(program, 0.5, keep={"z"}), "y")["fn"].log_prob(POINT)
    expected = jax.nn.logsumexp(joint, -1).sum() + prior
    assert found == pytest.approx(float(expected), rel=1e-5)


def test_what_was_kept_stays_kept_when_a_relaxed_model_is_relaxed_again():
    program = relax(relax(two_sites, 0.5, keep={"z"}), 1.0)
    assert isinstance(innermost(site(program, "z")["fn"]), dist.CategoricalProbs)


def test_a_site_can_ask_to_be_kept():
    def program():
        numpyro.sample("z", dist.Categorical(PROBS), infer={"relax": False})

    assert isinstance(site(relax(program, 0.5), "z")["fn"], dist.CategoricalProbs)


@pytest.mark.parametrize("argument", ["one_hot", "keep"])
def test_a_string_is_no_collection_of_names(argument):
    with pytest.raises(TypeError, match=f"expected {argument} .* got the string 'zz'"):
        relax(two_sites, 0.5, **{argument: "zz"})


def test_the_temperature_is_a_function_of_the_arguments_of_the_model():
    def program(probs, step=1):
        return numpyro.sample("z", OneHotCategorical(probs))

    relaxed = relax(program, lambda probs, step=1: 1 / step)
    for step in (2, 4):
        seeded = handlers.seed(relaxed, 0)
        found = handlers.trace(seeded).get_trace(PROBS, step=step)["z"]["fn"]
        assert found.temperature == 1 / step


OF_INTEGERS = {
    "categorical": (dist.Categorical(PROBS), PROBS),
    "bernoulli": (dist.Bernoulli(0.8), jnp.array([0.2, 0.8])),
    "binomial": (dist.Binomial(2, 0.5), jnp.array([0.25, 0.5, 0.25])),
    "uniform": (dist.DiscreteUniform(-1, 2), np.ones(4) / 4),
    "batch": (
        dist.Bernoulli(jnp.array([0.8, 0.3])),
        jnp.array([[0.2, 0.8], [0.7, 0.3]]),
    ),
}


@pytest.mark.parametrize(("law", "probs"), OF_INTEGERS.values(), ids=OF_INTEGERS)
def test_declared_integers_are_delivered_as_vectors(law, probs):
    def program():
        return numpyro.sample("z", law)

    found = site(relax(program, 0.5, one_hot=["z"]), "z")
    assert found["value"].shape == probs.shape
    np.testing.assert_allclose(found["fn"].probs, probs, rtol=1e-5)
    reparam = handlers.reparam(program, config={"z": IGRReparam(0.5, one_hot=True)})
    np.testing.assert_allclose(site(reparam, "z")["fn"].probs, probs, rtol=1e-5)


def test_integers_without_end_cannot_be_declared():
    program = relax(lambda: numpyro.sample("z", dist.Poisson(3.0)), 0.5, one_hot={"z"})
    with pytest.raises(ValueError, match="over the same few integers at site 'z'"):
        handlers.seed(program, 0)()


def test_a_kept_site_outside_a_plate_is_enumerated_beside_the_guide_of_one_inside():
    shifts = jnp.array([0.0, 2.0])

    def model():
        c = numpyro.sample("c", dist.Categorical(jnp.array([0.3, 0.7])))
        with numpyro.plate("data", len(X)):
            z = numpyro.sample("z", OneHotCategorical(PROBS))
            numpyro.sample("x", dist.Normal(z @ MEANS + shifts[c], 1.0), obs=X)

    relaxed = relax(config_enumerate(model), 0.5, keep={"c"})
    guide = AutoIGR(relaxed, 0.5)
    points = jnp.stack([POINT, POINT[::-1], POINT])
    with_points = handlers.substitute(guide, data={"z": points})
    elbo = infer.TraceEnum_ELBO(max_plate_nesting=1)
    svi = infer.SVI(relaxed, with_points, Adam(0.1), elbo)
    found = -svi.evaluate(svi.init(jax.random.key(0)))  # model and guide agree at first
    means = points @ MEANS + shifts[:, None]
    by_value = dist.Normal(means, 1.0).log_prob(X).sum(-1) + jnp.log(jnp.array([3, 7]))
    expected = jax.nn.logsumexp(by_value) - jnp.log(10)
    assert found == pytest.approx(float(expected), rel=1e-5)
