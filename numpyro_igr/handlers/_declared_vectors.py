"""Checks that vectors in the place of integers add no batch to observations."""

from collections.abc import Mapping

import jax.numpy as jnp

DECLARED = "declared_one_hot"

REPEATED = (
    "site '{0}' would count its observation {1} times, in a batch of no plate: the "
    "values of site '{2}' are vectors here, as one_hot says, not integers, so that "
    "arithmetic with z has an entry for each category. Choose by lookup(table, z), or "
    "sum over the entries, as z @ table does; if the batch is meant, give it a plate"
)


def check_batches(sites: Mapping[str, dict]) -> None:
    """Raises where an observation counts once for each entry of a declared vector.

    Args:
        sites: of a run of a program.

    Raises:
        ValueError: naming the site of the observation, and that of the vector.
    """
    scored = {n: site for n, site in sites.items() if site["type"] == "sample"}
    sizes = {
        site["fn"].event_shape[-1]: name
        for name, site in scored.items()
        if site["infer"].get(DECLARED)
    }
    for name, site in scored.items() if sizes else ():
        for size in _repeats(site) if site["is_observed"] else ():
            if size in sizes:
                raise ValueError(REPEATED.format(name, size, sizes[size]))


def _repeats(site: dict) -> list[int]:
    """The sizes of a batch, outside of plates, where the value has none of its own."""
    batch, plates = site["fn"].batch_shape, {f.dim for f in site["cond_indep_stack"]}
    shape = jnp.shape(site["value"])
    own = (1,) * len(batch) + tuple(shape[: len(shape) - site["fn"].event_dim])
    dims = [d for d in range(-len(batch), 0) if d not in plates and own[d] == 1]
    return [batch[d] for d in dims if batch[d] > 1]
