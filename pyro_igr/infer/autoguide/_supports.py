"""Checks that the supports of sites do not move."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import torch
from pyro import poutine
from torch import Tensor
from torch.distributions.constraints import Constraint

DEPENDENT = (
    "the support of site '{}' depends on other latent sites or on parameters, and a "
    "mean-field guide has one support: sample it in (0, 1), say, and scale that to the "
    "support in the model, or pass a guide of that site as continuous"
)
CHANGING = (
    "site '{}' has shape {} in one run of the model and {} in another: where the "
    "parameters of counts are drawn, give their number as num_sticks"
)


def check_supports(
    model: Callable,
    names: Collection[str],
    sites: dict[str, Any],
    /,
    *args: Any,
    **kwargs: Any,
) -> None:
    """Raises at a site whose support moves with other latent sites.

    Runs the model again, if it has a support with bounds.

    Args:
        model: of the sites.
        names: of the sites to look at.
        sites: of a run of it, by name.
        args: of the model.
        kwargs: of the model.

    Raises:
        ValueError: naming the site.
    """
    bounds = {name: list(_bounds(sites[name]["fn"].support)) for name in names}
    if not any(bounds.values()):
        return
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        nodes = poutine.block(poutine.trace(model).get_trace)(*args, **kwargs).nodes
    for name in filter(nodes.__contains__, bounds):
        for first, second in zip(
            bounds[name], _bounds(nodes[name]["fn"].support), strict=True
        ):
            if first.requires_grad or not torch.equal(first, second):
                raise ValueError(DEPENDENT.format(name))


def _bounds(constraint: Constraint) -> Iterator[Tensor]:
    for part in vars(constraint).values():
        if isinstance(part, Constraint):
            yield from _bounds(part)
        elif isinstance(part, Tensor):
            yield part


def check_categories(first: poutine.Trace, again: poutine.Trace) -> None:
    """Raises at a site that has more or fewer categories in another run.

    Args:
        first: a run of the model.
        again: another run, or a part of it.
    """
    for name, site in again.iter_stochastic_nodes():
        sizes = [tuple(x["fn"].event_shape) for x in (first.nodes[name], site)]
        if sizes[0] != sizes[1]:
            raise ValueError(CHANGING.format(name, *sizes))
