"""Runs of programs of NumPyro, and what they did at sites."""

import jax
import numpy as np
import numpyro
import numpyro.distributions as dist
from backends.numpyro_words import array
from numpyro import handlers, infer

import numpyro_igr as igr

KEY = jax.random.key(0)
SAMPLED, KEPT = ("sample", "deterministic"), ("type", "scale", "infer")
MASKS_ARE_WRAPPERS = True


def draw(law, size):
    return law.sample(jax.random.key(1), (size,))


def start(guide):
    handlers.seed(guide, 0)()


def starts(guide):
    """Parameters of a guide where they start, by name."""
    trace = handlers.trace(handlers.seed(guide, 0)).get_trace()
    sites = trace.items()
    return {n: s["value"] for n, s in sites if s["type"] == "param"}


def medians(guide):
    """Where an automatic guide starts."""
    return guide.median(starts(guide))


def indices(guide, name):
    """What a plate of a guide draws for a loss."""
    seeded = handlers.seed(guide, jax.random.split(KEY)[1])
    return np.asarray(handlers.trace(seeded).get_trace()[name]["value"])


def log_densities(model, values):
    """The log density of a model at each of the values of its latent sites."""

    def at(value):
        return infer.util.log_density(model, (), {}, value)[0]

    return np.asarray(jax.jit(jax.vmap(at))(jax.tree.map(array, values)))


def log_weights(model, guide, seed=0, **options):
    weigh = jax.jit(lambda key: igr.log_weights(key, model, guide, **options))
    return np.asarray(weigh(jax.random.key(seed)))


def log_likelihood(model, guide, seed=0, **options):
    judge = jax.jit(lambda key: igr.log_likelihood(key, model, guide, **options))
    found = judge(jax.random.key(seed))
    return type(found)(*map(np.asarray, found))


def predictions(model, guide, at, count):
    """Draws of latent variables and data, one after the other and in parallel."""
    options = {"params": jax.tree.map(array, at), "return_sites": ["z", "x"]}

    def draws(parallel):
        many = {"num_samples": count, "parallel": parallel}
        return infer.Predictive(model, guide=guide, **options, **many)(KEY, None)

    return jax.jit(lambda: [draws(parallel) for parallel in (False, True)])()


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


def is_categorical(law):
    """Whether it is the host's own, expanded by a plate at most."""
    while isinstance(law, dist.ExpandedDistribution):
        law = law.base_dist
    return isinstance(law, dist.CategoricalProbs)


def run(program, *args):
    """What a program returns, with its own chance."""
    return handlers.seed(program, 0)(*args)


def dry(fn):
    """Runs a function for what it refuses, or for shapes, without computing."""
    return jax.eval_shape(fn)


def given(parameters):
    """Parameters have these values."""
    return handlers.substitute(data=parameters)


def fresh():
    """Validates, and restores what a test changes."""
    return numpyro.validation_enabled(True)
