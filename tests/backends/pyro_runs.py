"""Runs of programs of Pyro, and what they did at sites."""

from contextlib import contextmanager

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from backends.pyro_words import array, condition
from pyro import infer, poutine

import pyro_igr as igr

MASKS_ARE_WRAPPERS = False


def draw(law, size):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return law.sample((size,))


def start(guide):
    pyro.clear_param_store()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        guide()


def medians(guide):
    """Where an automatic guide starts."""
    pyro.clear_param_store()
    guide()
    return guide.median()


def indices(guide, name):
    """What a plate of a guide draws for a loss."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return sites(guide)[name]["value"].numpy()


def log_densities(model, values):
    """The log density of a model at each of the values of its latent sites."""

    def at(i):
        value = {name: array(x[i]) for name, x in values.items()}
        return poutine.trace(condition(model, value)).get_trace().log_prob_sum().item()

    return np.array([at(i) for i in range(len(next(iter(values.values()))))])


def log_weights(model, guide, seed=0, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return igr.log_weights(model, guide, **options).numpy()


def log_likelihood(model, guide, seed=0, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found = igr.log_likelihood(model, guide, **options)
    return type(found)(*(x.numpy() for x in found))


def predictions(model, guide, at, count):
    """Draws of latent variables and data, one after the other and in parallel."""
    options = {"num_samples": count, "return_sites": ["z", "x"]}
    with given(at):
        for parallel in (False, True):
            many = options | {"parallel": parallel}
            yield infer.Predictive(model, guide=guide, **many)(None)


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


def is_categorical(law):
    """Whether it is the host's own, as it was given."""
    return type(law) is dist.Categorical


def run(program, *args):
    """What a program returns, with its own chance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return program(*args)


def dry(fn):
    """Runs a function for what it refuses, or for shapes."""
    return fn()


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
