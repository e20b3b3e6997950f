"""Runs a program of Pyro: relaxed and trained by AutoIGR, and enumerated.

    PYRO_SRC=... python tests/peers/run_in_pyro.py NAME STEPS DRAWS

prints a JSON object.
"""

import itertools
import json
import math
import sys

import numpy as np
import pyro
import torch
from mean_field import best_bound
from program import Estimate
from pyro import poutine
from pyro.infer import SVI, Trace_ELBO, TraceEnum_ELBO, config_enumerate
from pyro.infer.autoguide import AutoNormal
from pyro.optim import ClippedAdam
from pyro_programs_of_host import PROGRAMS

from pyro_igr import AutoIGR, TraceDiscreteKL_ELBO, discretize, relax

LR, TEMPERATURE = 0.1, 0.3


def run(name, steps, draws):
    program = PROGRAMS[name]
    row = program.described() | {"says": refusal(program, None, ())}
    if program.refused:
        return row
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    row |= enumerate_and_fix(program, steps, draws)
    pyro.clear_param_store()
    model, args = program.load(program.edit)
    row["bound"] = relaxed(program, unmarked(model), args, steps, draws)
    return row


def refusal(program, edit, one_hot):
    """What relaxing it says, or None where it runs."""
    pyro.clear_param_store()
    model, args = program.load(edit)
    try:
        model = relax(unmarked(model), TEMPERATURE, one_hot=one_hot)
        guide = make_guide(program, model)
        TraceDiscreteKL_ELBO().loss(model, guide, *args)
    except ValueError as error:
        return str(error)


def unmarked(model):
    """The model without marks for enumeration."""
    return poutine.infer_config(model, lambda site: {"enumerate": None})


def make_guide(program, model):
    plates = program.create_plates
    return AutoIGR(model, TEMPERATURE, scale=1.0, create_plates=plates)


def enumerate_and_fix(program, steps, draws):
    """Trains by enumeration, and then relaxes with what that found held fixed."""
    original, args = program.load(None)
    trace = poutine.trace(original).get_trace(*args)
    latent = {name: site["fn"] for name, site in trace.iter_stochastic_nodes()}
    discrete = {name for name, law in latent.items() if not law.has_rsample}
    model, guide, values = config_enumerate(original), no_guide, {}
    elbo = TraceEnum_ELBO(max_plate_nesting=program.max_plate_nesting)
    if len(discrete) < len(latent):
        hidden = poutine.block(model, hide=discrete)
        guide = AutoNormal(hidden, create_plates=program.create_plates)
    train(model, guide, elbo, args, steps)
    losses = estimates(lambda: elbo.loss(model, guide, *args), draws)
    row = {"enumerated bound": mean(losses), "evidence": log_mean_exp(losses)}
    values = guide.median(*args) if guide is not no_guide else {}
    fixed = poutine.condition(model, data=values)
    row["evidence given"] = -elbo.loss(fixed, no_guide, *args)
    if program.joint:
        row["best given"] = best_given(program.joint, original, values, args)
    edited = program.load(program.edit)[0] if program.edit else original
    fixed = poutine.condition(unmarked(edited), data=values)
    return row | {"bound given": relaxed(program, fixed, args, steps, draws, True)}


def no_guide(*args):
    """A guide to no site."""


def relaxed(program, model, args, steps, draws, fixed=False):
    """The ELBO of the discretized pair, after training."""
    model = relax(model, TEMPERATURE, one_hot=program.one_hot)
    guide = make_guide(program, model)
    train(model, guide, TraceDiscreteKL_ELBO(), args, steps, fixed)
    pair = discretize(model), discretize(guide)
    return mean(estimates(lambda: Trace_ELBO().loss(*pair, *args), draws))


def train(model, guide, elbo, args, steps, fixed=False):
    """Trains model and guide, or only what AutoIGR has to learn."""

    def options(name):
        lr = 0.0 if fixed and not name.startswith("AutoIGR") else LR
        return {"lr": lr, "lrd": 0.1 ** (1 / steps)}

    svi = SVI(model, guide, ClippedAdam(options), elbo)
    for _ in range(steps):
        svi.step(*args)


def best_given(joint, model, values, args):
    """The bound of the best guide with independent sites."""
    table = []
    for choice in itertools.product(*map(range, joint.sizes)):
        at = poutine.condition(model, data=values | joint.values(choice))
        trace = poutine.trace(at).get_trace(*args)
        trace.compute_log_prob()
        sites = {n: trace.nodes[n]["log_prob"] for n in trace.observation_nodes}
        given = sum(sites.pop(name).sum().item() for name in values)
        sites |= {n: _unmasked(trace.nodes[n]) for n in joint.values(choice)}
        table.append(sum(_kept(x, joint.dim) for x in sites.values()).detach())
    table = torch.stack(table).reshape(*joint.sizes, -1).double().numpy()
    return given + best_bound(table).sum()


# Enumeration takes a masked site from its prior.
def _unmasked(site):
    return site["fn"].log_prob(site["value"])


def _kept(log_prob, dim):
    return log_prob.movedim(dim, 0).reshape(log_prob.shape[dim], -1).sum(1)


def estimates(loss, draws):
    return np.array([-loss() for _ in range(draws)])


def mean(bounds):
    return Estimate(bounds.mean(), bounds.std() / len(bounds) ** 0.5)


def log_mean_exp(bounds):
    return np.logaddexp.reduce(bounds) - math.log(len(bounds))


if __name__ == "__main__":
    name, *sizes = sys.argv[1:]
    print(json.dumps(run(name, *map(int, sizes))))
