"""Predictive, samplers, reparameterizers and autoguides with distributions inside."""

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
import pytest
from cases import LAWS
from jax import random
from numpyro import handlers, infer
from numpyro.distributions.transforms import biject_to
from numpyro.infer import autoguide, reparam
from numpyro_families import LOC, SCALE, K, every_family, make, on_simplex
from numpyro_families import fresh_host as fresh_host

KEY = random.key(0)
X = np.array([[0.1, 0.2, 0.6, 0.1], [0.5, 0.2, 0.2, 0.1]], np.float32)
CONTINUOUS = [name for name in LAWS if name != "straight_through"]
every_density = pytest.mark.parametrize("name", CONTINUOUS)


def model_of(name):
    def model(x=X):
        with numpyro.plate("data", len(X)):
            z = on_simplex(name, numpyro.sample("z", make(name)))
            numpyro.sample("x", dist.Normal(z, 0.3).to_event(1), obs=x)

    return model


def guide_of(name):
    def guide(x=None):
        loc = numpyro.param("loc", jnp.tile(jnp.asarray(LOC), (len(X), 1)))
        with numpyro.plate("data", len(X)):
            numpyro.sample("z", make(name, loc=loc))

    return guide


@every_family
@pytest.mark.parametrize("parallel", [False, True])
def test_predictive_draws_latents_and_data(name, parallel):
    predictive = infer.Predictive(
        model_of(name),
        guide=guide_of(name),
        params={"loc": jnp.zeros((len(X), K - 1))},
        num_samples=3,
        parallel=parallel,
        return_sites=["z", "x"],
    )
    found = predictive(KEY, None)
    assert found["z"].shape == found["x"].shape == (3, len(X), K)
    assert make(name).support(found["z"]).all()


@every_density
def test_nuts_without_data_draws_from_the_prior(name):
    law = make(name)
    kernel = infer.NUTS(lambda: numpyro.sample("z", law), max_tree_depth=4)
    mcmc = infer.MCMC(kernel, num_warmup=200, num_samples=1000, progress_bar=False)
    mcmc.run(KEY)
    z = mcmc.get_samples()["z"]
    assert law.support(z).all()
    (transform,) = law.transforms
    y = transform._inverse(z)
    error = np.array(SCALE) / 100**0.5
    assert (abs(y.mean(0) - np.array(LOC)) < 4 * error).all()
    np.testing.assert_allclose(y.std(0), SCALE, rtol=0.25)


def test_nuts_runs_with_data_in_a_plate():
    kernel = infer.NUTS(model_of("igr"), max_tree_depth=2)
    mcmc = infer.MCMC(kernel, num_warmup=2, num_samples=2, progress_bar=False)
    mcmc.run(KEY)
    assert mcmc.get_samples()["z"].shape == (2, len(X), K)


@every_density
def test_biject_to_reaches_the_support_and_comes_back(name):
    law = make(name).expand([2])
    to_support = biject_to(law.support)
    x = random.normal(KEY, (2, K - 1))
    value = to_support(x)
    assert law.support(value).all()
    np.testing.assert_allclose(to_support._inverse(value), x, rtol=1e-3, atol=1e-3)


@every_family
def test_transform_reparam_leaves_the_distribution_as_it_was(name):
    def model():
        with numpyro.plate("data", 3):
            numpyro.sample("z", make(name))

    program = handlers.reparam(model, {"z": reparam.TransformReparam()})
    trace = handlers.trace(handlers.seed(program, 0)).get_trace()
    base = trace["z_base"]
    assert base["fn"].event_shape == (K - 1,)
    (transform,) = make(name).transforms
    np.testing.assert_allclose(trace["z"]["value"], transform(base["value"]), rtol=1e-6)


AUTOGUIDES = {
    "AutoNormal": autoguide.AutoNormal,
    "AutoMultivariateNormal": autoguide.AutoMultivariateNormal,
    "AutoDelta": autoguide.AutoDelta,
}
SHAPES_OF_SUPPORT = [
    "igr",
    "exp_igr",
    "stick_breaking_softmax++",
    "stick_breaking_vertex",
]


@pytest.mark.parametrize("name", SHAPES_OF_SUPPORT)
@pytest.mark.parametrize("kind", AUTOGUIDES)
def test_autoguides_train_on_a_latent_of_the_family(kind, name):
    model = model_of(name)
    guide = AUTOGUIDES[kind](model)
    svi = infer.SVI(model, guide, optax.adam(0.02), infer.Trace_ELBO())
    losses = svi.run(KEY, 60, progress_bar=False).losses
    assert jnp.isfinite(losses).all()
    assert losses[-20:].mean() < losses[:20].mean()
