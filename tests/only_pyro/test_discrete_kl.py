"""Engines in Pyro: vectorized particles, and discrete-KL losses without gradients."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro_families import fresh_host as fresh_host

from pyro_igr import (
    IGR,
    TraceDiscreteKL_ELBO,
    TraceRELAX_ELBO,
    TraceSTL_ELBO,
    lookup,
)

N, K = 6, 4
TAU = torch.tensor(0.5)
PARAMETERS = torch.linspace(-1, 1, N * K).reshape(N, K)
GUIDES = {
    "igr": lambda x: IGR(TAU, x[..., 1:], 0.7),
    "gumbel": lambda x: dist.RelaxedOneHotCategorical(TAU, logits=x),
}


def pair(make):
    mask, prior = torch.tensor([True, False, True] * 2), make(torch.linspace(0, 1, K))

    def model():
        with pyro.plate("data", N), poutine.scale(scale=0.5):
            pyro.sample("z", prior)
            with poutine.mask(mask=mask):
                pyro.sample("c", prior)

    def guide():
        with pyro.plate("data", N), poutine.scale(scale=0.5):
            pyro.sample("z", make(PARAMETERS))
            with poutine.mask(mask=mask):
                pyro.sample("c", make(PARAMETERS))

    return model, guide


@pytest.mark.parametrize("name", GUIDES)
def test_vectorized_particles_keep_the_exact_kl(name):
    many = {"vectorize_particles": True, "max_plate_nesting": 1}
    engines = TraceDiscreteKL_ELBO(), TraceDiscreteKL_ELBO(3, **many)
    losses = [engine.loss(*pair(GUIDES[name])) for engine in engines]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize(
    "engine", [TraceDiscreteKL_ELBO, TraceSTL_ELBO, TraceRELAX_ELBO]
)
def test_rows_in_a_plate_are_refused_among_particles(engine):
    prior = IGR(TAU, torch.zeros(2), 1.0)

    def program():
        return pyro.sample("z", prior)

    def model():
        loc = lookup(torch.eye(3), program())
        with pyro.plate("times", 3):
            pyro.sample("x", dist.Normal(loc, 1.0), obs=torch.zeros(3))

    assert engine(3).loss(model, program) > 0
    vectorized = engine(3, vectorize_particles=True, max_plate_nesting=1)
    with pytest.raises(ValueError, match="site 'x' has more dimensions"):
        vectorized.loss(model, program)


def test_a_learned_scale_is_not_warned_of_where_no_gradient_is_taken():
    def model():
        pyro.sample("z", IGR(TAU, torch.zeros(2), torch.ones(2)))

    def guide():
        positive = dist.constraints.positive
        scale = pyro.param("scale", torch.ones(2), constraint=positive)
        pyro.sample("z", IGR(TAU, torch.zeros(2), scale))

    engine = TraceDiscreteKL_ELBO()
    with torch.no_grad():
        engine.loss(model, guide)
    with pytest.warns(UserWarning, match="is learned"):
        engine.loss(model, guide)
