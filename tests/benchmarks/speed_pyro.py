"""What is timed in Pyro: each entry a call, of one thread."""

import numpy as np
import pyro
import torch
from pyro.distributions import Bernoulli, Categorical, RelaxedOneHotCategorical
from pyro.infer import SVI, TraceMeanField_ELBO
from pyro.optim import Adam
from torch.distributions import kl_divergence
from torch.nn.functional import binary_cross_entropy_with_logits

from pyro_igr import (
    IGR,
    IGRStickBreaking,
    TraceDiscreteKL_ELBO,
    TraceRELAX_ELBO,
)

TAU, PIXELS, VARIABLES, CATEGORIES, BATCH = 0.5, 784, 20, 10, 100
OURS = {"IGR": IGR, "sticks": IGRStickBreaking}
FAMILIES = (*OURS, "Gumbel-Softmax")


def width(family, categories):
    """How many numbers are the parameters of a variable's distribution."""
    return categories - 1 if family in OURS else categories


def make(family, parameters):
    """A relaxed one-hot distribution of unit scale."""
    if family in OURS:
        return OURS[family](TAU, parameters, torch.ones_like(parameters))
    return RelaxedOneHotCategorical(torch.tensor(TAU), logits=parameters)


def start(family, shape):
    """Random parameters, and weights for a value to be used with."""
    *batch, categories = shape
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=(*batch, width(family, categories)))
    parameters = torch.tensor(parameters, dtype=torch.float32, requires_grad=True)
    return parameters, torch.tensor(rng.normal(size=shape), dtype=torch.float32)


def discrete_kl(family, shape):
    """A sample, the KL of the discrete distributions, and the gradient of both."""
    parameters, weights = start(family, shape)
    uniform = Categorical(logits=torch.zeros(shape[-1]))

    def run():
        q = make(family, parameters)
        discrete = Categorical(logits=q.logits)
        value = (weights * q.rsample()).sum() + kl_divergence(discrete, uniform).sum()
        return torch.autograd.grad(value, parameters)

    return run


def relaxed_kl(family, shape):
    """A sample, the KL of the relaxed distributions, closed form or sampled."""
    parameters, weights = start(family, shape)
    zeros = torch.zeros_like(parameters[:1, :1]).detach()

    def run():
        q, p = make(family, parameters), make(family, zeros)
        z = q.rsample()
        sampled = family not in OURS
        kl = q.log_prob(z) - p.log_prob(z) if sampled else kl_divergence(q, p)
        return torch.autograd.grad((weights * z).sum() + kl.sum(), parameters)

    return run


def images():
    x = np.random.default_rng(0).random((BATCH, PIXELS)) < 0.2
    return torch.tensor(x, dtype=torch.float32)


def parameters_of_vae(family):
    rng, outputs = np.random.default_rng(0), width(family, CATEGORIES)
    sizes = {"encoder": (PIXELS, VARIABLES * outputs)}
    sizes["decoder"] = (VARIABLES * CATEGORIES, PIXELS)
    weights = {n: 0.01 * rng.normal(size=size) for n, size in sizes.items()}
    return {n: torch.tensor(x, dtype=torch.float32) for n, x in weights.items()}


def vae(family):
    """The linear VAE of 20 variables of 10 categories."""
    start, outputs = parameters_of_vae(family), width(family, CATEGORIES)

    def model(x):
        weights = pyro.param(f"decoder of {family}", start["decoder"])
        data = pyro.plate("images", BATCH, dim=-2)
        with data, pyro.plate("codes", VARIABLES):
            z = pyro.sample("z", make(family, torch.zeros(outputs)))
        with data:
            logits = (z.reshape(BATCH, -1) @ weights)[:, None]
            pixels = Bernoulli(logits=logits).to_event(1)
            pyro.sample("x", pixels, obs=x[:, None])

    def guide(x):
        weights = pyro.param(f"encoder of {family}", start["encoder"])
        parameters = (x @ weights).reshape(BATCH, VARIABLES, outputs)
        with pyro.plate("images", BATCH, dim=-2), pyro.plate("codes", VARIABLES):
            pyro.sample("z", make(family, parameters))

    return model, guide


def step(engine, model, guide, *arguments):
    """A step of Adam by SVI, which goes on from where the last one ended."""
    svi = SVI(model, guide, Adam({"lr": 1e-3}), engine)
    return lambda: svi.step(*arguments)


def vae_step(family, engine=TraceDiscreteKL_ELBO):
    return step(engine(), *vae(family), images())


def svi_step():
    """With the closed form of the relaxed KL."""
    return vae_step("sticks", TraceMeanField_ELBO)


def bare_step():
    """The same loss, gradient and step without models, guides and engines."""
    x, weights = images(), parameters_of_vae("sticks")
    optimizer = torch.optim.Adam(
        [w.requires_grad_() for w in weights.values()], lr=1e-3
    )

    def run():
        parameters = (x @ weights["encoder"]).reshape(BATCH, VARIABLES, -1)
        q, p = (make("sticks", m) for m in (parameters, torch.zeros(CATEGORIES - 1)))
        logits = q.rsample().reshape(BATCH, -1) @ weights["decoder"]
        loss = binary_cross_entropy_with_logits(logits, x, reduction="sum")
        loss = loss + kl_divergence(q, p).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def relax_step():
    """One site of three categories."""

    def model():
        z = pyro.sample("z", IGR(TAU, torch.zeros(2), torch.ones(2)))
        pyro.factor("x", z @ torch.tensor([0.3, -1.0, 0.5]))

    def guide():
        loc = pyro.param("loc", torch.zeros(2))
        pyro.sample("z", IGR(TAU, loc, torch.ones(2)))

    return step(TraceRELAX_ELBO(), model, guide)
