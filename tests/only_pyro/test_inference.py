"""Predictive, samplers, reparameterizers and autoguides with distributions inside."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from cases import LAWS
from pyro import infer, poutine
from pyro.infer import autoguide, reparam
from pyro_families import LOC, K, every_family, make, on_simplex
from pyro_families import fresh_host as fresh_host
from torch.distributions import biject_to

X = torch.tensor([[0.1, 0.2, 0.6, 0.1], [0.5, 0.2, 0.2, 0.1]])
CONTINUOUS = [name for name in LAWS if name != "straight_through"]
every_density = pytest.mark.parametrize("name", CONTINUOUS)


def model_of(name):
    def model(x=X):
        with pyro.plate("data", len(X)):
            z = on_simplex(name, pyro.sample("z", make(name)))
            return pyro.sample("x", dist.Normal(z, 0.3).to_event(1), obs=x)

    return model


def guide_of(name):
    def guide(x=None):
        loc = pyro.param("loc", LOC.repeat(len(X), 1))
        with pyro.plate("data", len(X)):
            pyro.sample("z", make(name, loc=loc))

    return guide


@every_family
@pytest.mark.parametrize("parallel", [False, True])
def test_predictive_draws_latents_and_data(name, parallel):
    predictive = infer.Predictive(
        model_of(name),
        guide=guide_of(name),
        num_samples=3,
        parallel=parallel,
        return_sites=["z", "x"],
    )
    found = predictive(None)
    assert found["z"].shape == found["x"].shape == (3, len(X), K)
    assert make(name).support.check(found["z"]).all()


@every_density
def test_weighed_predictive_weighs_by_model_and_guide(name):
    predictive = infer.WeighedPredictive(
        model_of(name), guide=guide_of(name), num_samples=4, parallel=True
    )
    found = predictive(None, model_guide=model_of(name))
    assert found.log_weights.shape == (4,)
    assert found.log_weights.isfinite().all()


@every_density
def test_nuts_stays_on_the_support(name):
    kernel = infer.NUTS(model_of(name), max_tree_depth=3)
    mcmc = infer.MCMC(kernel, num_samples=5, warmup_steps=5, disable_progbar=True)
    mcmc.run()
    z = mcmc.get_samples()["z"]
    assert z.shape == (5, len(X), K)
    assert make(name).support.check(z).all()
    assert len(z[:, 0, 0].unique()) > 1


@every_density
def test_biject_to_reaches_the_support_and_comes_back(name):
    law = make(name).expand([2])
    to_support = biject_to(law.support)
    x = torch.randn(2, K - 1)
    value = to_support(x)
    assert law.support.check(value).all()
    torch.testing.assert_close(to_support.inv(value), x, rtol=1e-3, atol=1e-3)


@every_family
def test_transform_reparam_leaves_the_distribution_as_it_was(name):
    def model():
        with pyro.plate("data", 1000):
            return pyro.sample("z", make(name))

    program = poutine.reparam(model, {"z": reparam.TransformReparam()})
    trace = poutine.trace(program).get_trace()
    assert trace.nodes["z_base"]["fn"].event_shape == (K - 1,)
    value = trace.nodes["z"]["value"]
    torch.testing.assert_close(
        value, make(name).transforms[0](trace.nodes["z_base"]["value"])
    )


AUTOGUIDES = {
    "AutoNormal": autoguide.AutoNormal,
    "AutoDiagonalNormal": autoguide.AutoDiagonalNormal,
    "AutoMultivariateNormal": autoguide.AutoMultivariateNormal,
    "AutoDelta": autoguide.AutoDelta,
}


@every_density
@pytest.mark.parametrize("kind", AUTOGUIDES)
def test_autoguides_train_on_a_latent_of_the_family(kind, name):
    model = model_of(name)
    guide = AUTOGUIDES[kind](model)
    optim = pyro.optim.Adam({"lr": 0.02})
    svi = infer.SVI(model, guide, optim, infer.Trace_ELBO())
    losses = torch.tensor([svi.step() for _ in range(40)])
    assert losses.isfinite().all()
    assert losses[-10:].mean() < losses[:10].mean()
