"""Runs a program of NumPyro: relaxed and trained by AutoIGR, and enumerated.

    NUMPYRO_SRC=... python tests/peers/run_in_numpyro.py NAME STEPS DRAWS

prints a JSON object.
"""

import itertools
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from enumerated_in_numpyro import Enumerated_ELBO, log_evidence
from mean_field import best_bound
from numpyro import handlers
from numpyro.distributions import MaskedDistribution
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoNormal
from numpyro_programs_of_host import PROGRAMS
from program import Estimate

from numpyro_igr import AutoIGR, TraceDiscreteKL_ELBO, discretize, relax

LR, TEMPERATURE = 0.1, 0.3
KEY = jax.random.key(0)


def run(name, steps, draws):
    program = PROGRAMS[name]
    row = program.described() | {"says": refusal(program, None, ())}
    if program.refused:
        return row
    row |= enumerate_and_fix(program, steps, draws)
    model, args = program.load(program.edit)
    row["bound"] = relaxed(program, unmarked(model), args, steps, draws)
    return row


def refusal(program, edit, one_hot):
    """What relaxing it says, or None where it runs."""
    model, args = program.load(edit)
    try:
        model = relax(unmarked(model), TEMPERATURE, one_hot=one_hot)
        guide = AutoIGR(model, TEMPERATURE, scale=1.0)
        svi = SVI(model, guide, optax.sgd(0.0), TraceDiscreteKL_ELBO())
        state = svi.init(KEY, *args)
        jax.eval_shape(lambda: svi.update(state, *args))
    except ValueError as error:
        return str(error)


def unmarked(model):
    """The model without marks for enumeration."""
    return handlers.infer_config(model, config_fn=lambda site: {"enumerate": None})


def enumerate_and_fix(program, steps, draws):
    """Trains by enumeration, and then relaxes with what that found held fixed."""
    original, args = program.load(None)
    with handlers.block(), handlers.trace() as trace, handlers.seed(rng_seed=0):
        original(*args)
    sites = trace.values()
    latent = [s for s in sites if s["type"] == "sample" and not s["is_observed"]]
    continuous = [s["name"] for s in latent if not s["fn"].support.is_discrete]
    others = {s["name"] for s in sites if s["type"] == "sample"} - set(continuous)
    elbo = Enumerated_ELBO(program.max_plate_nesting)
    guide = AutoNormal(handlers.block(original, hide=others))
    params = {}
    if continuous:
        params = train(original, guide, elbo, args, steps)
    values = guide.median(params) if params else {}
    exact = log_evidence(original, args, values, program.max_plate_nesting)
    row = {"evidence given": float(exact)}
    if params:
        bounds = estimates(elbo, params, original, guide, args, draws)
        row |= {"enumerated bound": mean(bounds), "evidence": log_mean_exp(bounds)}
    if program.joint:
        row["best given"] = best_given(program.joint, original, values, args)
    edited = program.load(program.edit)[0]
    fixed = handlers.condition(unmarked(edited), data=values)
    return row | {"bound given": relaxed(program, fixed, args, steps, draws)}


def relaxed(program, model, args, steps, draws):
    """The ELBO of the discretized pair, after training."""
    model = relax(model, TEMPERATURE, one_hot=program.one_hot)
    guide = AutoIGR(model, TEMPERATURE, scale=1.0)
    params = train(model, guide, TraceDiscreteKL_ELBO(), args, steps)
    pair = discretize(model), discretize(guide)
    return mean(estimates(Trace_ELBO(), params, *pair, args, 10 * draws))


def train(model, guide, elbo, args, steps):
    optim = optax.adam(optax.exponential_decay(LR, steps, 0.1))
    svi = SVI(model, guide, optim, elbo)
    return svi.run(KEY, steps, *args, progress_bar=False).params


def best_given(joint, model, values, args):
    """The bound of the best guide with independent sites."""

    def log_joint(choice):
        at = handlers.condition(model, data=values | joint.values(choice))
        with handlers.block(), handlers.trace() as trace, handlers.seed(rng_seed=0):
            at(*args)
        sites = {n: s for n, s in trace.items() if s["type"] == "sample"}
        laws = {n: s["fn"] for n, s in sites.items()}
        laws |= {n: _unmasked(laws[n]) for n in joint.values(choice)}
        scores = {n: laws[n].log_prob(s["value"]) for n, s in sites.items()}
        given = sum(scores.pop(name).sum() for name in values)
        return given, sum(_kept(x, joint.dim) for x in scores.values())

    choices = np.array(list(itertools.product(*map(range, joint.sizes))))
    given, table = jax.jit(jax.vmap(log_joint))(choices)
    table = np.asarray(table, float).reshape(*joint.sizes, -1)
    return float(given[0]) + best_bound(table).sum()


# Enumeration takes a masked site from its prior.
def _unmasked(law):
    return law.base_dist if isinstance(law, MaskedDistribution) else law


def _kept(log_prob, dim):
    return jnp.moveaxis(log_prob, dim, 0).reshape(log_prob.shape[dim], -1).sum(1)


def estimates(elbo, params, model, guide, args, draws):
    def loss(key):
        return elbo.loss(key, params, model, guide, *args)

    losses = jax.jit(jax.vmap(loss))(jax.random.split(KEY, draws))
    return -np.asarray(losses, float)


def mean(bounds):
    return Estimate(bounds.mean(), bounds.std() / len(bounds) ** 0.5)


def log_mean_exp(bounds):
    return np.logaddexp.reduce(bounds) - np.log(len(bounds))


if __name__ == "__main__":
    name, *sizes = sys.argv[1:]
    print(json.dumps(run(name, *map(int, sizes))))
