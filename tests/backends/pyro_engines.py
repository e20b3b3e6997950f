"""Programs of Pyro, and what its engines and ours make of them."""

from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro import infer, poutine
from pyro.optim import Adam

import pyro_igr as igr

__all__ = ["dist", "igr"]

sample, plate, factor = pyro.sample, pyro.plate, pyro.factor
param, block = pyro.param, poutine.block
single_precision = nullcontext
TRACE, MEAN_FIELD = infer.Trace_ELBO, infer.TraceMeanField_ELBO
condition, reparam = poutine.condition, poutine.reparam
config_enumerate = infer.config_enumerate
VECTORIZED_TRACE = partial(infer.Trace_ELBO, vectorize_particles=True)
RENYI = partial(infer.RenyiELBO, vectorize_particles=True)
GUIDES = vars(infer.autoguide)
positive = dist.constraints.positive
DEAR, MASKS_ARE_WRAPPERS = (), False


def array(x):
    return torch.tensor(np.asarray(x))


def mask(by):
    return poutine.mask(mask=by if isinstance(by, bool) else array(by))


def scale(by):
    return poutine.scale(scale=by)


def gumbel(temperature, logits):
    return dist.RelaxedOneHotCategorical(temperature, logits=logits)


def one_hot(probs=None, logits=None):
    return dist.OneHotCategorical(probs, logits)


def exp(x):
    return x.exp()


def log(x):
    return x.log()


def normal(loc):
    return dist.Normal(loc, torch.ones_like(loc))


def draw(law, size):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return law.sample((size,))


def start(guide):
    pyro.clear_param_store()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        guide()


def losses(make, model, guide, *, nesting=1, vectorized=True):
    """Losses of independent runs of an engine, of many particles or of one each."""
    many = {"vectorize_particles": True, "max_plate_nesting": nesting}
    engine = make(num_particles=60, **many) if vectorized else make()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        size = 8 if vectorized else 200
        return np.array([engine.loss(model, guide) for _ in range(size)])


def log_weights(model, guide, seed=0, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return igr.log_weights(model, guide, **options).numpy()


def log_likelihood(model, guide, seed=0, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found = igr.log_likelihood(model, guide, **options)
    return type(found)(*(x.numpy() for x in found))


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


def sites(program):
    """The sites of one run, by name."""
    return dict(poutine.trace(program).get_trace().nodes)


@contextmanager
def given(parameters):
    """Parameters have these values."""
    for name, start in parameters.items():
        pyro.param(name, array(start))
    yield


@contextmanager
def fresh():
    """Seeds the host, validates, and restores what a test changes."""
    pyro.clear_param_store()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the tensors are tiny
    with torch.random.fork_rng(devices=[]), pyro.validation_enabled(True):
        torch.manual_seed(0)
        yield
    torch.set_num_threads(threads)
    pyro.clear_param_store()


def medians(guide):
    """Where an automatic guide starts."""
    pyro.clear_param_store()
    guide()
    return guide.median()


def value(x):
    """A loss as a number."""
    return float(x.detach()) if isinstance(x, torch.Tensor) else x


def site(program, name, *args, **kwargs):
    """What a run of a program did at a site."""
    return poutine.trace(program).get_trace(*args, **kwargs).nodes[name]


def is_categorical(law):
    """Whether it is the host's own, as it was given."""
    return type(law) is dist.Categorical


def uniform(low, high):
    """Equal weights of integers; Pyro has no family for those from elsewhere than 0."""
    return dist.Categorical(torch.ones(high - low + 1))


def evidence(model):
    """The log evidence of a model whose sites are marked for enumeration."""
    return -infer.TraceEnum_ELBO(max_plate_nesting=1).loss(model, lambda: None)


def train(engine, model, guide, steps):
    """Trains the parameters of a pair; what it returns gives them to a program."""
    pyro.clear_param_store()
    svi = infer.SVI(model, guide, Adam({"lr": 0.1}), engine)
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


loop, PLAIN = pyro.plate, "eager"
MEAN_FIELDS = {
    "eager": _losses_over_seeds(MEAN_FIELD),
    "jit": _losses_over_seeds(
        partial(infer.JitTraceMeanField_ELBO, ignore_jit_warnings=True)
    ),
}
