"""Programs of NumPyro, and what its engines and ours make of them."""

import warnings
from functools import lru_cache, partial

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

math = jnp
sample, plate, factor = numpyro.sample, numpyro.plate, numpyro.factor
deterministic, detach = numpyro.deterministic, jax.lax.stop_gradient
param, block = numpyro.param, handlers.block
single_precision = partial(enable_x64, False)
TRACE, MEAN_FIELD = infer.Trace_ELBO, infer.TraceMeanField_ELBO
GRAPH = infer.TraceGraph_ELBO
condition, reparam = handlers.condition, handlers.reparam
VECTORIZED_TRACE, RENYI = infer.Trace_ELBO, infer.RenyiELBO
KEY = jax.random.key(0)
GUIDES, TransformReparam = vars(infer.autoguide), infer.reparam.TransformReparam
positive = dist.constraints.positive
NO_KL = "<{}, {}>"
DEAR = ("RELAX", "unordered set")
MASKS_ARE_WRAPPERS = True
GUMBEL, EXPANDED = igr.RelaxedOneHotCategorical, dist.ExpandedDistribution
SAMPLED, KEPT = ("sample", "deterministic"), ("type", "scale", "infer")


def array(x):
    return jnp.asarray(np.asarray(x))


def mask(by):
    return handlers.mask(mask=by if isinstance(by, bool) else array(by))


def scale(by):
    return handlers.scale(scale=by)


def gumbel(temperature, logits):
    return igr.RelaxedOneHotCategorical(temperature, logits=logits)


def gumbel_straight_through(temperature, logits):
    return igr.RelaxedOneHotCategoricalStraightThrough(temperature, logits=logits)


def exp_gumbel(temperature, logits):
    return igr.ExpRelaxedOneHotCategorical(temperature, logits=logits)


def one_hot(probs=None, logits=None):
    return igr.OneHotCategorical(probs, logits)


def negative_binomial(count, probs):
    return dist.NegativeBinomialProbs(count, probs)


def exp(x):
    return jnp.exp(x)


def log(x):
    return jnp.log(x)


def softmax(x):
    return jax.nn.softmax(x)


def log_softmax(x):
    return jax.nn.log_softmax(x)


def integer(x):
    return x.astype(int)


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


def indices(guide, name):
    """What a plate of a guide draws for a loss."""
    seeded = handlers.seed(guide, jax.random.split(KEY)[1])
    return np.asarray(handlers.trace(seeded).get_trace()[name]["value"])


def each_loss(engines, model, guide):
    """One loss of each engine as a number, with the same chance."""

    @jax.jit
    def run():
        at = starts(guide)  # in its first run an automatic guide draws more
        return [engine.loss(KEY, at, model, guide) for engine in engines]

    return [float(loss) for loss in run()]


def log_densities(model, values):
    """The log density of a model at each of the values of its latent sites."""

    def at(value):
        return infer.util.log_density(model, (), {}, value)[0]

    return np.asarray(jax.jit(jax.vmap(at))(jax.tree.map(array, values)))


def predictions(model, guide, at, count):
    """Draws of latent variables and data, one after the other and in parallel."""
    options = {"params": jax.tree.map(array, at), "return_sites": ["z", "x"]}

    def draws(parallel):
        many = {"num_samples": count, "parallel": parallel}
        return infer.Predictive(model, guide=guide, **options, **many)(KEY, None)

    return jax.jit(lambda: [draws(parallel) for parallel in (False, True)])()


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


def sites(program, *args, **kwargs):
    """What a run of a program did at its sites, by name."""
    seeded = handlers.seed(program, 0)
    return handlers.trace(seeded).get_trace(*args, **kwargs)


def traces(*programs):
    """The sites of a run of each program, by name; compiled as one, which is faster."""
    seen = []

    @jax.jit
    def run():
        found = [
            {n: s for n, s in sites(program).items() if s["type"] in SAMPLED}
            for program in programs
        ]
        seen.extend(
            {n: {k: s.get(k) for k in KEPT} for n, s in f.items()} for f in found
        )
        return [{n: (s.get("fn"), s["value"]) for n, s in f.items()} for f in found]

    found = run()
    return [
        {n: kept[n] | {"fn": fn, "value": x} for n, (fn, x) in arrays.items()}
        for kept, arrays in zip(seen, found, strict=True)
    ]


def mask_of(site):
    """The mask of a site, or None."""
    law = site["fn"]
    return law._mask if isinstance(law, dist.MaskedDistribution) else None


def log_prob(site):
    """The log density of the value of a site, masked."""
    return site["fn"].log_prob(site["value"])


def is_deterministic(site):
    return site["type"] == "deterministic"


def run(program, *args):
    """What a program returns, with its own chance."""
    return handlers.seed(program, 0)(*args)


def dry(fn):
    """Runs a function for what it refuses, or for shapes, without computing."""
    return jax.eval_shape(fn)


def particles(count, nesting=0):
    """Options of an engine that takes so many samples at once."""
    return {"num_particles": count}


@lru_cache(maxsize=4)
def _estimate(engine, model, guide):
    step = jax.value_and_grad(lambda p, key: engine.loss(key, p, model, guide))
    return jax.jit(jax.vmap(step, (None, 0)))


def estimates(engine, model, guide, at, count=1):
    """Losses and gradients by name of independent runs, at parameters."""
    at, few = jax.tree.map(array, at), 4  # at once: one program for any count
    keys = jax.random.split(KEY, (-(-count // few), few))
    runs = [_estimate(engine, model, guide)(at, some) for some in keys]
    rows = [{**found, "loss": losses} for losses, found in runs]
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:count], *rows)


def each_estimate(engines, model, guide, at, count):
    """As ``estimates``, for each of the engines; compiled as one, which is faster."""

    def step(at, key):
        losses = [lambda p, e=e: e.loss(key, p, model, guide) for e in engines]
        return [jax.value_and_grad(loss)(at) for loss in losses]

    at, keys = jax.tree.map(array, at), jax.random.split(KEY, count)
    found = jax.jit(jax.vmap(step, (None, 0)))(at, keys)
    return [jax.tree.map(np.asarray, {**g, "loss": losses}) for losses, g in found]


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


def is_categorical(law):
    """Whether it is the host's own, expanded by a plate at most."""
    while isinstance(law, dist.ExpandedDistribution):
        law = law.base_dist
    return isinstance(law, dist.CategoricalProbs)


def uniform(low, high):
    return dist.DiscreteUniform(low, high)


def evidence(model, guide=lambda: None):
    """The log evidence of a model whose sites are marked for enumeration.

    With a guide of the other sites, one draw of a bound.
    """
    return -float(loss(infer.TraceEnum_ELBO(), model, guide))


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
