"""The table of relaxed models against exact posteriors, in examples/RESULTS.md.

    python -m tests.benchmarks.relaxed_models

Five discrete models, solved exactly, are relaxed by ``relax``, trained with a guide of
independent sites and discretized; in NumPyro, in a few minutes on one core. In double
precision: the density of Gumbel-Softmax, which its relaxed KL needs, is that of a value
on the simplex, whose entries underflow in single precision at this temperature.
"""

from contextlib import nullcontext
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jax import random
from numpyro.distributions import Geometric, Normal, Poisson
from numpyro.handlers import seed, trace
from numpyro.infer import SVI, Trace_ELBO, TraceMeanField_ELBO
from numpyro.infer.util import log_density
from numpyro.optim import Adam

from examples.swap_in.exact import make_chain, make_mixture, total_variation
from examples.swap_in.models_numpyro import chain, mixture
from numpyro_igr import (
    IGR,
    AutoIGR,
    IGRStickBreaking,
    OneHotCategorical,
    RelaxedOneHotCategorical,
    TraceDiscreteKL_ELBO,
    discretize,
    relax,
)
from tests.benchmarks.report_table import EXAMPLES, to_row, write_table

TEMPERATURE, NUM_STEPS, NUM_PARTICLES = 0.1, 2000, 8
ROWS = np.random.default_rng(2).dirichlet(np.ones(3), (2, 3))
MIXTURE, CHAIN = make_mixture(), make_chain()


def network():
    """Three variables of three values; each depends on the one before."""
    x = numpyro.sample("x", OneHotCategorical(np.array([0.5, 0.3, 0.2])))
    y = numpyro.sample("y", OneHotCategorical(x @ ROWS[0]))
    z = numpyro.sample("z", OneHotCategorical(y @ ROWS[1]))
    numpyro.sample("w", Normal(x[0] + z @ np.array([-1.0, 0.5, 2.0]), 0.7), obs=1.0)


def poisson():
    """A count, and a noisy measurement of it."""
    n = numpyro.sample("n", Poisson(4.0))
    numpyro.sample("w", Normal(n, 1.5), obs=6.0)


def geometric():
    """A number of failures, and a noisy measurement of it."""
    n = numpyro.sample("n", Geometric(0.3))
    numpyro.sample("w", Normal(n, 1.5), obs=3.0)


MODELS = {
    "mixture": partial(mixture, MIXTURE),
    "hidden Markov model": partial(chain, CHAIN),
    "Bayesian network": network,
    "Poisson count": poisson,
    "geometric count": geometric,
}
FAMILIES = {
    "IGR-SB (sticks)": IGRStickBreaking,
    "IGR": IGR,
    "Gumbel-Softmax": RelaxedOneHotCategorical,
}
KLS = "discrete KL", "relaxed KL"


def sites_of(model):
    """The latent sites of a model, by name."""
    found = trace(seed(model, 0)).get_trace()
    return {
        name: site
        for name, site in found.items()
        if site["type"] == "sample" and not site["is_observed"]
    }


def exact_posterior(name, discrete):
    """Probabilities, one row a variable; by enumeration where there are few sites."""
    if name == "mixture":
        return MIXTURE.posterior
    if name == "hidden Markov model":
        return CHAIN.posterior

    def values():
        return {name: site["value"] for name, site in sites_of(discrete).items()}

    sizes = {n: value.shape[-1] for n, value in jax.eval_shape(values).items()}
    codes = np.array(list(product(*map(range, sizes.values()))))

    def log_joint(code):
        values = {
            n: jnp.eye(k)[i] for (n, k), i in zip(sizes.items(), code, strict=True)
        }
        return log_density(discrete, (), {}, values)[0]

    probs = np.asarray(jax.nn.softmax(jax.jit(jax.vmap(log_joint))(codes)))
    rows = [probs @ np.eye(k)[codes[:, i]] for i, k in enumerate(sizes.values())]
    return np.array(rows)


def gumbel_softmax_guide(relaxed):
    """The guide that ``AutoIGR`` would be for Gumbel-Softmax."""
    shapes = {name: site["value"].shape for name, site in sites_of(relaxed).items()}

    def guide():
        for name, shape in shapes.items():
            logits = numpyro.param(f"{name}_logits", jnp.zeros(shape))
            with numpyro.plate("data", shape[0]) if shape[1:] else nullcontext():
                state = RelaxedOneHotCategorical(TEMPERATURE, logits=logits)
                numpyro.sample(name, state)

    return guide, list(shapes)


def learning_rate(step):
    """Exponential decay, for less noise in what is learned."""
    return 0.03 * 0.03 ** (step / NUM_STEPS)


def learned_posterior(model, family, engine):
    """Probabilities after training, one row a variable."""
    relaxed = relax(model, TEMPERATURE, family=family)
    scale = 1.0 if isinstance(engine, TraceDiscreteKL_ELBO) else None
    if family is RelaxedOneHotCategorical:
        guide, names = gumbel_softmax_guide(relaxed)
    else:
        guide = AutoIGR(relaxed, TEMPERATURE, scale=scale)
    svi = SVI(relaxed, guide, Adam(learning_rate), engine)
    params = svi.run(random.key(0), NUM_STEPS, progress_bar=False).params
    if family is RelaxedOneHotCategorical:
        probs = [jax.nn.softmax(params[f"{name}_logits"]) for name in names]
    else:
        probs = list(guide.median(params).values())
    return np.concatenate([np.atleast_2d(rows) for rows in probs])


def make_engine(family, kl):
    """The ELBO with a KL: the discrete one, or the relaxed one, sampled if need be."""
    if kl == "discrete KL":
        return TraceDiscreteKL_ELBO(num_particles=NUM_PARTICLES)
    is_sampled = family is RelaxedOneHotCategorical
    make = Trace_ELBO if is_sampled else TraceMeanField_ELBO
    return make(num_particles=NUM_PARTICLES)


def distances(name, model):
    """Total variations from the exact posterior, by distribution and KL."""
    exact = exact_posterior(name, discretize(relax(model, TEMPERATURE)))
    is_count, is_chain = name.endswith("count"), name.startswith("hidden")
    for name_of_family, family in FAMILIES.items():
        if is_count and family is not IGRStickBreaking or is_chain and family is IGR:
            continue
        for kl in KLS:
            found = learned_posterior(model, family, make_engine(family, kl))
            yield name_of_family, kl, total_variation(found, exact)


COLUMNS = tuple(product(FAMILIES, KLS))
HEADER = to_row(["model", *map(", ".join, COLUMNS)]) + "\n" + "|---" * 7 + "|"


def row(name):
    found = {(family, kl): tv for family, kl, tv in distances(name, MODELS[name])}
    cells = [f"{found[c]:.3f}" if c in found else "" for c in COLUMNS]
    return to_row([name, *cells])


def main():
    numpyro.enable_x64()
    write_table("relaxed models", HEADER, map(row, MODELS), EXAMPLES)


if __name__ == "__main__":
    main()
