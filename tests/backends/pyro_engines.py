"""What the engines of Pyro and ours make of programs."""

from functools import partial

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from backends.pyro_runs import *  # noqa: F403
from backends.pyro_runs import given, start
from backends.pyro_words import *  # noqa: F403
from backends.pyro_words import array
from pyro import infer
from pyro.optim import Adam

import pyro_igr as igr

__all__ = ["dist", "igr"]

TRACE, MEAN_FIELD = infer.Trace_ELBO, infer.TraceMeanField_ELBO
GRAPH = infer.TraceGraph_ELBO
VECTORIZED_TRACE = partial(infer.Trace_ELBO, vectorize_particles=True)
RENYI = partial(infer.RenyiELBO, vectorize_particles=True)
NO_KL = "p type {} and q type {}"
DEAR = ()


def losses(make, model, guide, *, nesting=1, vectorized=True, whole=False):
    """Losses of independent runs of an engine, of many particles or of one each.

    PyTorch compiles nothing, and none as a whole.
    """
    many = {"vectorize_particles": True, "max_plate_nesting": nesting}
    engine = make(num_particles=60, **many) if vectorized else make()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        size = 8 if vectorized else 200
        return np.array([engine.loss(model, guide) for _ in range(size)])


def loss(engine, model, guide):
    """One loss, differentiable."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return engine.differentiable_loss(model, guide)


def loss_once(engine, model, guide):
    """One loss as a number, which no gradient goes through."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return engine.loss(model, guide)


def each_loss(engines, model, guide):
    """One loss of each engine as a number, with the same chance."""
    start(guide)  # in its first run an automatic guide draws more
    return [loss_once(engine, model, guide) for engine in engines]


def gradients(make, model, guide, *, many=False):
    """Gradients of independent runs of an engine, in all parameters: one row a run."""
    particles = {"num_particles": 200, "vectorize_particles": True}
    engine = make(**particles, max_plate_nesting=1) if many else make()

    def gradient():
        engine.differentiable_loss(model, guide).backward()
        parameters = [p for _, p in pyro.get_param_store().named_parameters()]
        found = torch.cat([p.grad.flatten() for p in parameters])
        for p in parameters:
            p.grad = None
        return found.numpy()

    return np.stack([gradient() for _ in range(200 if many else 1)])


def particles(count, nesting=0):
    """Options of an engine that takes so many samples at once."""
    many = {"vectorize_particles": True, "max_plate_nesting": nesting}
    return {"num_particles": count, **many}


def _estimate(engine, model, guide):
    found = {"loss": np.asarray(engine.loss_and_grads(model, guide))}
    for name, parameter in pyro.get_param_store().named_parameters():
        if parameter.grad is not None:
            found[name], parameter.grad = parameter.grad.numpy(), None
    return found


def estimates(engine, model, guide, at, count=1):
    """Losses and gradients by name of independent runs, at parameters."""
    pyro.clear_param_store()
    with given(at), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        rows = [_estimate(engine, model, guide) for _ in range(count)]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def each_estimate(engines, model, guide, at, count):
    """As ``estimates``, for each of the engines."""
    return [estimates(engine, model, guide, at, count) for engine in engines]


def exact(fn, at):
    """A function of parameters and its gradients by name, at parameters."""
    at = {name: array(x).requires_grad_() for name, x in at.items()}
    loss = fn(at)
    found = torch.autograd.grad(loss, list(at.values()))
    found = dict(zip(at, found, strict=True)) | {"loss": loss.detach()}
    return {name: x.numpy() for name, x in found.items()}


def attempt(engine, model, guide, at=None):
    """What an engine makes of a pair, which it may refuse."""
    with given(at or {}):
        engine.differentiable_loss(model, guide)


def _parameters():
    store = pyro.get_param_store()
    return {name: x.detach().clone().numpy() for name, x in store.items()}


def fit(engine, model, guide, steps, rate=0.1):
    """Losses, and the parameters before and after them."""
    pyro.clear_param_store()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        engine.differentiable_loss(model, guide)
        start = _parameters()
        svi = infer.SVI(model, guide, Adam({"lr": rate}), engine)
        losses = np.array([svi.step() for _ in range(steps)])
    return losses, start, _parameters()


def value(x):
    """A loss as a number."""
    return float(x.detach()) if isinstance(x, torch.Tensor) else x


def evidence(model, guide=lambda: None):
    """The log evidence of a model whose sites are marked for enumeration.

    With a guide of the other sites, one draw of a bound.
    """
    return -infer.TraceEnum_ELBO(max_plate_nesting=1).loss(model, guide)


def train(engine, model, guide, steps, rate=0.1):
    """Trains the parameters of a pair; what it returns gives them to a program."""
    pyro.clear_param_store()
    svi = infer.SVI(model, guide, Adam({"lr": rate}), engine)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(steps):
            svi.step()
    return lambda program: program


def elbo(model, guide):
    """The bound of a pair, as the mean of many particles."""
    many = {"vectorize_particles": True, "max_plate_nesting": 1}
    return -infer.Trace_ELBO(2000, **many).loss(model, guide)


def _losses_over_seeds(make):
    def distinct(model, guide):
        """The distinct losses of four seeds."""
        engine, found = make(), set()
        for seed in range(4):
            torch.manual_seed(seed)
            found.add(float(engine.differentiable_loss(model, guide)))
        return found

    return distinct


PLAIN = "eager"
MEAN_FIELDS = {
    "eager": _losses_over_seeds(MEAN_FIELD),
    "jit": _losses_over_seeds(
        partial(infer.JitTraceMeanField_ELBO, ignore_jit_warnings=True)
    ),
}
