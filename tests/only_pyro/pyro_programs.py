"""Programs with a site of a given distribution, in every context of Pyro."""

import pyro
import pyro.distributions as dist
import torch
from pyro import poutine

N = 5
KEPT = torch.tensor([True, False, True, True, False])


def bare(law):
    pyro.sample("z", law)


def in_plates(law):
    with pyro.plate("rows", 2, dim=-2), pyro.plate("columns", N, dim=-1):
        pyro.sample("z", law)


def in_subsampled_plate(law):
    with pyro.plate("data", 4 * N, subsample_size=N):
        pyro.sample("z", law)


def as_event(law):
    with pyro.plate("rows", 2):
        pyro.sample("z", law.expand([2, N]).to_event(1))


def masked(law):
    with pyro.plate("columns", N), poutine.mask(mask=KEPT):
        pyro.sample("z", law)


def masked_distribution(law):
    with pyro.plate("columns", N):
        pyro.sample("z", law.expand([N]).mask(KEPT))


def masked_event(law):
    pyro.sample("z", law.expand([N]).mask(KEPT).to_event(1))


def scaled(law):
    with pyro.plate("columns", N), poutine.scale(scale=0.1):
        pyro.sample("z", law)


def several(law):
    for i in range(3):
        pyro.sample(f"z{i}", law)


PROGRAMS = {
    f.__name__: f
    for f in (
        bare,
        in_plates,
        in_subsampled_plate,
        as_event,
        masked,
        masked_distribution,
        masked_event,
        scaled,
        several,
    )
}


def latent_sites(program, law):
    trace = poutine.trace(program).get_trace(law)
    trace.compute_log_prob()
    nodes = poutine.util.prune_subsample_sites(trace).nodes
    return {n: s for n, s in nodes.items() if s["type"] == "sample"}


def innermost(law):
    while isinstance(law, dist.Independent | dist.MaskedDistribution):
        law = law.base_dist
    return law
