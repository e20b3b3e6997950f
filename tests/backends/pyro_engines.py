"""Programs of Pyro, and what its engines and ours make of them."""

from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro import infer, poutine
from pyro.distributions.torch_distribution import TorchDistributionMixin
from pyro.optim import Adam
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical

import pyro_igr as igr

__all__ = ["dist", "igr"]

math = torch
sample, plate, factor = pyro.sample, pyro.plate, pyro.factor
deterministic, detach = pyro.deterministic, torch.Tensor.detach
param, block = pyro.param, poutine.block
single_precision = nullcontext
TRACE, MEAN_FIELD = infer.Trace_ELBO, infer.TraceMeanField_ELBO
GRAPH = infer.TraceGraph_ELBO
condition, reparam = poutine.condition, poutine.reparam
config_enumerate = infer.config_enumerate
VECTORIZED_TRACE = partial(infer.Trace_ELBO, vectorize_particles=True)
RENYI = partial(infer.RenyiELBO, vectorize_particles=True)
GUIDES, TransformReparam = vars(infer.autoguide), infer.reparam.TransformReparam
positive = dist.constraints.positive
NO_KL = "p type {} and q type {}"
DEAR, MASKS_ARE_WRAPPERS = (), False
GUMBEL, EXPANDED = dist.RelaxedOneHotCategorical, dist.ExpandedDistribution


def array(x):
    return torch.tensor(np.asarray(x))


def mask(by):
    return poutine.mask(mask=by if isinstance(by, bool) else array(by))


def scale(by):
    return poutine.scale(scale=by)


def gumbel(temperature, logits):
    return dist.RelaxedOneHotCategorical(temperature, logits=logits)


def gumbel_straight_through(temperature, logits):
    return dist.RelaxedOneHotCategoricalStraightThrough(temperature, logits=logits)


class ExpGumbel(ExpRelaxedCategorical, TorchDistributionMixin):
    """The host's mixin makes it callable."""


def exp_gumbel(temperature, logits):
    return ExpGumbel(temperature, logits=logits)


def one_hot(probs=None, logits=None):
    return dist.OneHotCategorical(probs, logits)


def negative_binomial(count, probs):
    return dist.NegativeBinomial(count, probs)


def exp(x):
    return x.exp()


def log(x):
    return x.log()


def softmax(x):
    return x.softmax(-1)


def log_softmax(x):
    return x.log_softmax(-1)


def integer(x):
    return x.long()


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


def indices(guide, name):
    """What a plate of a guide draws for a loss."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return sites(guide)[name]["value"].numpy()


def each_loss(engines, model, guide):
    """One loss of each engine as a number, with the same chance."""
    start(guide)  # in its first run an automatic guide draws more
    return [loss_once(engine, model, guide) for engine in engines]


def log_densities(model, values):
    """The log density of a model at each of the values of its latent sites."""

    def at(i):
        value = {name: array(x[i]) for name, x in values.items()}
        return poutine.trace(condition(model, value)).get_trace().log_prob_sum().item()

    return np.array([at(i) for i in range(len(next(iter(values.values()))))])


def predictions(model, guide, at, count):
    """Draws of latent variables and data, one after the other and in parallel."""
    options = {"num_samples": count, "return_sites": ["z", "x"]}
    with given(at):
        for parallel in (False, True):
            many = options | {"parallel": parallel}
            yield infer.Predictive(model, guide=guide, **many)(None)


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


def sites(program, *args, **kwargs):
    """What a run of a program did at its sites, by name."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return dict(poutine.trace(program).get_trace(*args, **kwargs).nodes)


def traces(*programs):
    """The sites of a run of each program, by name."""
    return [sites(program) for program in programs]


def mask_of(site):
    """The mask of a site, or None."""
    return site["mask"]


def log_prob(site):
    """The log density of the value of a site, masked."""
    found, mask = site["fn"].log_prob(site["value"]), site["mask"]
    return found if mask is None else torch.where(mask, found, torch.zeros(()))


def is_deterministic(site):
    return bool(site["infer"].get("_deterministic"))


def run(program, *args):
    """What a program returns, with its own chance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return program(*args)


def dry(fn):
    """Runs a function for what it refuses, or for shapes."""
    return fn()


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


def is_categorical(law):
    """Whether it is the host's own, as it was given."""
    return type(law) is dist.Categorical


def uniform(low, high):
    """Equal weights of integers; Pyro has no family for those from elsewhere than 0."""
    return dist.Categorical(torch.ones(high - low + 1))


def evidence(model, guide=lambda: None):
    """The log evidence of a model whose sites are marked for enumeration.

    With a guide of the other sites, one draw of a bound.
    """
    return -infer.TraceEnum_ELBO(max_plate_nesting=1).loss(model, guide)


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
