"""Samplers, weighed draws and a diagonal autoguide of Pyro."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from cases import LAWS
from pyro import infer
from pyro.infer import autoguide
from pyro_families import LOC, K, make, on_simplex
from pyro_families import fresh_host as fresh_host

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
def test_the_diagonal_autoguide_trains_on_a_latent_of_the_family(name):
    model = model_of(name)
    guide = autoguide.AutoDiagonalNormal(model)
    optim = pyro.optim.Adam({"lr": 0.02})
    svi = infer.SVI(model, guide, optim, infer.Trace_ELBO())
    losses = torch.tensor([svi.step() for _ in range(40)])
    assert losses.isfinite().all()
    assert losses[-10:].mean() < losses[:10].mean()
