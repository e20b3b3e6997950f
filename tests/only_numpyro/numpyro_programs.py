"""Programs with a site of a given distribution, in every context of NumPyro."""

import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro import handlers

N = 5
KEPT = np.array([True, False, True, True, False])


def bare(law):
    numpyro.sample("z", law)


def in_plates(law):
    with numpyro.plate("rows", 2, dim=-2), numpyro.plate("columns", N, dim=-1):
        numpyro.sample("z", law)


def in_subsampled_plate(law):
    with numpyro.plate("data", 4 * N, subsample_size=N):
        numpyro.sample("z", law)


def as_event(law):
    with numpyro.plate("rows", 2):
        numpyro.sample("z", law.expand([2, N]).to_event(1))


def masked(law):
    with numpyro.plate("columns", N), handlers.mask(mask=KEPT):
        numpyro.sample("z", law)


def masked_distribution(law):
    with numpyro.plate("columns", N):
        numpyro.sample("z", law.expand([N]).mask(KEPT))


def masked_event(law):
    numpyro.sample("z", law.expand([N]).mask(KEPT).to_event(1))


def scaled(law):
    with numpyro.plate("columns", N), handlers.scale(scale=0.1):
        numpyro.sample("z", law)


def several(law):
    for i in range(3):
        numpyro.sample(f"z{i}", law)


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
WRAPPERS = dist.Independent | dist.MaskedDistribution | dist.ExpandedDistribution


def latent_sites(program, law):
    trace = handlers.trace(handlers.seed(program, 0)).get_trace(law)
    return {n: s for n, s in trace.items() if s["type"] == "sample"}


def innermost(law):
    while isinstance(law, WRAPPERS):
        law = law.base_dist
    return law
