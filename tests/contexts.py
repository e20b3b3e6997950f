"""Programs with a site of a given distribution, in every context."""

import numpy as np

N = 5
KEPT = np.array([True, False, True, True, False])


def bare(host, law):
    host.sample("z", law)


def in_plates(host, law):
    with host.plate("rows", 2, dim=-2), host.plate("columns", N, dim=-1):
        host.sample("z", law)


def in_subsampled_plate(host, law):
    with host.plate("data", 4 * N, subsample_size=N):
        host.sample("z", law)


def as_event(host, law):
    with host.plate("rows", 2):
        host.sample("z", law.expand([2, N]).to_event(1))


def masked(host, law):
    with host.plate("columns", N), host.mask(KEPT):
        host.sample("z", law)


def masked_distribution(host, law):
    with host.plate("columns", N):
        host.sample("z", law.expand([N]).mask(host.array(KEPT)))


def masked_event(host, law):
    host.sample("z", law.expand([N]).mask(host.array(KEPT)).to_event(1))


def scaled(host, law):
    with host.plate("columns", N), host.scale(0.1):
        host.sample("z", law)


def several(host, law):
    for i in range(3):
        host.sample(f"z{i}", law)


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


def sites_of_law(host, program, law):
    """The sites with the distribution, of one run."""
    sites = host.sites(lambda: program(host, law))
    sampled = {n: site for n, site in sites.items() if site["type"] == "sample"}
    return {name: site for name, site in sampled.items() if name[0] == "z"}


def innermost(host, law):
    wrappers = host.dist.Independent, host.dist.MaskedDistribution
    while isinstance(law, (*wrappers, host.EXPANDED)):
        law = law.base_dist
    return law


def have_same_mask(host, site, other):
    masks = [host.mask_of(site), host.mask_of(other)]
    if any(mask is None for mask in masks):
        return masks == [None, None]
    return np.array_equal(*map(np.asarray, masks))
