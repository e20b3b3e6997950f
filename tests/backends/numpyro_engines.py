"""What the engines of NumPyro and ours make of programs."""

import warnings
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from backends.numpyro_runs import *  # noqa: F403
from backends.numpyro_runs import KEY, starts
from backends.numpyro_words import *  # noqa: F403
from backends.numpyro_words import array
from numpyro import handlers, infer
from numpyro.optim import Adam

import numpyro_igr as igr

__all__ = ["dist", "igr"]

TRACE, MEAN_FIELD = infer.Trace_ELBO, infer.TraceMeanField_ELBO
GRAPH = infer.TraceGraph_ELBO
VECTORIZED_TRACE, RENYI = infer.Trace_ELBO, infer.RenyiELBO
NO_KL = "<{}, {}>"
DEAR = ("RELAX", "unordered set")


def losses(make, model, guide, *, nesting=1, vectorized=True, whole=False):
    """Losses of independent runs of an engine; jax vectorizes them in any case.

    Where the operations are many, as one program: ``whole``, or by the engine.
    """
    engine, keys = make(), jax.random.split(jax.random.key(0), 300)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The control variate is not trained")
        run = jax.vmap(lambda k: engine.loss(k, {}, model, guide))
        # A refusal may want values.
        dear = isinstance(engine, (igr.TraceRELAX_ELBO, igr.TraceUnorderedSet_ELBO))
        return np.asarray((jax.jit(run) if dear or whole else run)(keys))


def loss(engine, model, guide):
    """One loss, differentiable."""
    return engine.loss(jax.random.key(0), {}, model, guide)


def loss_once(engine, model, guide):
    """One loss as a number, compiled."""
    return float(jax.jit(lambda key: engine.loss(key, {}, model, guide))(KEY))


def each_loss(engines, model, guide):
    """One loss of each engine as a number, with the same chance."""

    @jax.jit
    def run():
        at = starts(guide)  # in its first run an automatic guide draws more
        return [engine.loss(KEY, at, model, guide) for engine in engines]

    return [float(loss) for loss in run()]


def gradients(make, model, guide, *, many=False):
    """Gradients of independent runs of an engine, in all parameters: one row a run."""
    engine = make(num_particles=2) if many else make()
    parameters = starts(guide)

    def gradient(key):
        found = jax.grad(lambda p: engine.loss(key, p, model, guide))(parameters)
        return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(found)])

    keys = jax.random.split(KEY, 20_000 if many else 1)
    return np.asarray(jax.jit(jax.vmap(gradient))(keys))


def particles(count, nesting=0):
    """Options of an engine that takes so many samples at once."""
    return {"num_particles": count}


@lru_cache(maxsize=4)
def _estimate(engine, model, guide):
    return jax.jit(jax.value_and_grad(lambda p, k: engine.loss(k, p, model, guide)))


def estimates(engine, model, guide, at, count=1):
    """Losses and gradients by name of independent runs, at parameters."""
    at, run = jax.tree.map(array, at), _estimate(engine, model, guide)
    # One after the other: one program for any count, and no batch of batches in it.
    runs = [run(at, key) for key in jax.random.split(KEY, count)]
    rows = [{**found, "loss": loss} for loss, found in runs]
    return jax.tree.map(lambda *parts: np.stack(parts), *rows)


def each_estimate(engines, model, guide, at, count):
    """As ``estimates``, for each of the engines; compiled as one, which is faster."""

    @jax.jit
    def step(key):
        losses = [lambda p, e=e: e.loss(key, p, model, guide) for e in engines]
        found = [jax.value_and_grad(loss)(start) for loss in losses]
        return [{**slopes, "loss": loss} for loss, slopes in found]

    start = jax.tree.map(array, at)
    rows = [step(key) for key in jax.random.split(KEY, count)]
    return jax.tree.map(lambda *parts: np.stack(parts), *rows)


@lru_cache(maxsize=4)
def _exact(fn):
    return jax.jit(jax.value_and_grad(fn))


def exact(fn, at):
    """A function of parameters and its gradients by name, at parameters."""
    loss, found = _exact(fn)(jax.tree.map(array, at))
    return jax.tree.map(np.asarray, {**found, "loss": loss})


def attempt(engine, model, guide, at=None):
    """What an engine makes of a pair, which it may refuse."""
    slope = jax.grad(lambda at: engine.loss(KEY, at, model, guide))
    jax.eval_shape(slope, jax.tree.map(array, at or {}))


def fit(engine, model, guide, steps, rate=0.1):
    """Losses, and the parameters before and after them."""
    guide = getattr(engine, "with_parameters", lambda guide: guide)(guide)
    svi = infer.SVI(model, guide, Adam(rate), engine)
    state = svi.init(KEY)
    start = {name: np.asarray(x) for name, x in svi.get_params(state).items()}
    found = svi.run(KEY, steps, progress_bar=False, init_state=state)
    end = {name: np.asarray(x) for name, x in found.params.items()}
    return np.asarray(found.losses), start, end


def value(x):
    """A loss as a number."""
    return float(x)


def evidence(model, guide=lambda: None):
    """The log evidence of a model whose sites are marked for enumeration.

    With a guide of the other sites, one draw of a bound.
    """
    return -loss_once(infer.TraceEnum_ELBO(), model, guide)


def train(engine, model, guide, steps, rate=0.1):
    """Trains the parameters of a pair; what it returns gives them to a program."""
    svi = infer.SVI(model, guide, Adam(rate), engine)
    params = svi.run(jax.random.key(0), steps, progress_bar=False).params
    return lambda program: handlers.substitute(program, data=params)


def elbo(model, guide):
    """The bound of a pair, as the mean of many particles."""
    return -loss_once(infer.Trace_ELBO(2000), model, guide)


def _losses_over_seeds(model, guide):
    """The distinct losses of four seeds."""
    loss = jax.jit(lambda key: MEAN_FIELD().loss(key, {}, model, guide))
    return {float(loss(jax.random.key(seed))) for seed in range(4)}


PLAIN = "jit"
MEAN_FIELDS = {PLAIN: _losses_over_seeds}
