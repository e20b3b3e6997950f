"""Programs of NumPyro, and what its engines and ours make of them."""

import warnings
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro import handlers, infer
from numpyro.contrib.funsor import config_enumerate
from numpyro.optim import Adam
from x64 import enable_x64

import numpyro_igr as igr

__all__ = ["config_enumerate", "dist", "igr"]

sample, plate, factor = numpyro.sample, numpyro.plate, numpyro.factor
param, block = numpyro.param, handlers.block
single_precision = partial(enable_x64, False)
TRACE, MEAN_FIELD = infer.Trace_ELBO, infer.TraceMeanField_ELBO
condition, reparam = handlers.condition, handlers.reparam
VECTORIZED_TRACE, RENYI = infer.Trace_ELBO, infer.RenyiELBO
KEY = jax.random.key(0)
GUIDES = vars(infer.autoguide)
positive = dist.constraints.positive
DEAR = ("RELAX", "unordered set")
MASKS_ARE_WRAPPERS = True


def array(x):
    return jnp.asarray(np.asarray(x))


def mask(by):
    return handlers.mask(mask=by if isinstance(by, bool) else array(by))


def scale(by):
    return handlers.scale(scale=by)


def gumbel(temperature, logits):
    return igr.RelaxedOneHotCategorical(temperature, logits=logits)


def one_hot(probs=None, logits=None):
    return igr.OneHotCategorical(probs, logits)


def exp(x):
    return jnp.exp(x)


def log(x):
    return jnp.log(x)


def normal(loc):
    return dist.Normal(loc, 1.0)


def draw(law, size):
    return law.sample(jax.random.key(1), (size,))


def start(guide):
    handlers.seed(guide, 0)()


def losses(make, model, guide, *, nesting=1, vectorized=True):
    """Losses of independent runs of an engine; jax vectorizes them in any case."""
    engine, keys = make(), jax.random.split(jax.random.key(0), 300)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The control variate is not trained")
        run = jax.vmap(lambda k: engine.loss(k, {}, model, guide))
        # In one program, where the operations are many; a refusal may want values.
        dear = isinstance(engine, (igr.TraceRELAX_ELBO, igr.TraceUnorderedSet_ELBO))
        return np.asarray((jax.jit(run) if dear else run)(keys))


def log_weights(model, guide, seed=0, **options):
    return np.asarray(igr.log_weights(jax.random.key(seed), model, guide, **options))


def log_likelihood(model, guide, seed=0, **options):
    found = igr.log_likelihood(jax.random.key(seed), model, guide, **options)
    return type(found)(*map(np.asarray, found))


def loss(engine, model, guide):
    """One loss, differentiable."""
    return engine.loss(jax.random.key(0), {}, model, guide)


def loss_once(engine, model, guide):
    """One loss as a number, compiled."""
    return float(jax.jit(lambda key: engine.loss(key, {}, model, guide))(KEY))


def starts(guide):
    """Parameters of a guide where they start, by name."""
    trace = handlers.trace(handlers.seed(guide, 0)).get_trace()
    sites = trace.items()
    return {n: s["value"] for n, s in sites if s["type"] == "param"}


def gradients(make, model, guide, *, many=False):
    """Gradients of independent runs of an engine, in all parameters: one row a run."""
    engine = make(num_particles=2) if many else make()
    parameters = starts(guide)

    def gradient(key):
        found = jax.grad(lambda p: engine.loss(key, p, model, guide))(parameters)
        return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(found)])

    keys = jax.random.split(KEY, 20_000 if many else 1)
    return np.asarray(jax.jit(jax.vmap(gradient))(keys))


def sites(program):
    """The sites of one run, by name."""
    return handlers.trace(handlers.seed(program, 0)).get_trace()


def given(parameters):
    """Parameters have these values."""
    return handlers.substitute(data=parameters)


def fresh():
    """Validates, and restores what a test changes."""
    return numpyro.validation_enabled(True)


def medians(guide):
    """Where an automatic guide starts."""
    return guide.median(starts(guide))


def value(x):
    """A loss as a number."""
    return float(x)


def site(program, name, *args, **kwargs):
    """What a run of a program did at a site."""
    seeded = handlers.seed(program, 0)
    return handlers.trace(seeded).get_trace(*args, **kwargs)[name]


def is_categorical(law):
    """Whether it is the host's own, expanded by a plate at most."""
    while isinstance(law, dist.ExpandedDistribution):
        law = law.base_dist
    return isinstance(law, dist.CategoricalProbs)


def uniform(low, high):
    return dist.DiscreteUniform(low, high)


def evidence(model):
    """The log evidence of a model whose sites are marked for enumeration."""
    return -float(loss(infer.TraceEnum_ELBO(), model, lambda: None))


def train(engine, model, guide, steps):
    """Trains the parameters of a pair; what it returns gives them to a program."""
    svi = infer.SVI(model, guide, Adam(0.1), engine)
    params = svi.run(jax.random.key(0), steps, progress_bar=False).params
    return lambda program: handlers.substitute(program, data=params)


def elbo(model, guide):
    """The bound of a pair, as the mean of many particles."""
    return -float(loss(infer.Trace_ELBO(2000), model, guide))


def loop(name, size):
    return range(size)


def _losses_over_seeds(model, guide):
    """The distinct losses of four seeds."""
    loss = jax.jit(lambda key: MEAN_FIELD().loss(key, {}, model, guide))
    return {float(loss(jax.random.key(seed))) for seed in range(4)}


PLAIN = "jit"
MEAN_FIELDS = {PLAIN: _losses_over_seeds}
