"""Samples of a guide, a chunk at a time, and their weights."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pyro
import torch
from pyro import poutine
from pyro.poutine import Trace
from torch import Tensor

from pyro_igr._host import prune_subsample_sites, site_is_subsample
from pyro_igr.handlers._same_size import SameSizeMessenger
from pyro_igr.infer._data_plates import SAMPLES, Plates, log_weight, plates_around
from pyro_igr.infer._mixing import MIXED
from pyro_igr.infer._one_sample import Traces, differing_sites
from pyro_igr.infer._plates import dependents

ONE_BY_ONE = ". Or chunk_size=1 runs samples one by one"
CHANCE = (
    "site '{}' has another density in each run at the same values, so that weights "
    "would not be of p(x): put dropout in the mode of .eval(), and draw what is random "
    "by sample statements that no handler hides"
)
APART = (
    "log_weights runs samples in a dimension to the left of all plates: count "
    "dimensions of the programs from the right, or run samples one by one, chunk_size=1"
)


class Programs(NamedTuple):
    """A model, a guide, and what both are called with."""

    model: Callable
    guide: Callable
    args: tuple
    kwargs: dict

    def run(self, within: Callable = lambda fn: fn) -> Traces:
        """The traces of the model and of the guide, within a handler."""
        guide = poutine.trace(within(self.guide))
        drawn = guide.get_trace(*self.args, **self.kwargs)
        replayed = poutine.replay(within(self.model), trace=drawn)
        model = poutine.trace(SameSizeMessenger(drawn.nodes)(replayed))
        return model.get_trace(*self.args, **self.kwargs), drawn


def weigh(
    programs: Programs, num_samples: int, chunk_size: int, plate: Plates
) -> Tensor:
    """Log importance weights of each datum.

    Args:
        programs: with one-hot sites.
        num_samples: of the guide.
        chunk_size: how many of them at once.
        plate: of the data.
    """
    first = programs.run()
    log_weight(*first, plate)  # which may refuse, before the work
    subsamples = _subsamples(*first)
    fixed = partial(poutine.replay, trace=subsamples)
    if chunk_size == 1:
        _check_apart(programs, first, subsamples, math.inf)
        runs = [programs.run(fixed) for _ in range(num_samples)]
        return torch.stack([log_weight(*run, plate) for run in runs])
    found, dim = [], _first_free_dim(*first)
    for start in range(0, num_samples, chunk_size):
        size = min(chunk_size, num_samples - start)
        traces = _run_chunk(programs, _repeat(fixed, size, dim))
        found.append(log_weight(*traces, plate))
        if start == 0:
            _check_apart(programs, traces, subsamples, -dim - 1)
    return torch.cat(found)


def _run_chunk(programs: Programs, within: Callable) -> Traces:
    try:
        return programs.run(within)
    except (RuntimeError, ValueError, IndexError) as error:
        error.add_note(APART)
        raise


def _subsamples(*traces: Trace) -> Trace:
    """The indices of subsampled plates, as a trace to replay."""
    kept = Trace()
    for trace in traces:
        for name, site in trace.nodes.items():
            if site_is_subsample(site):
                kept.nodes[name] = site
    return kept


def _repeat(within: Callable, size: int, dim: int) -> Callable:
    """A handler that draws samples in a plate."""

    def repeated(fn: Callable) -> Callable:
        def run(*args: object, **kwargs: object) -> object:
            with pyro.plate(SAMPLES, size, dim=dim):
                return within(fn)(*args, **kwargs)

        return run

    return repeated


def _first_free_dim(*traces: Trace) -> int:
    """The dimension to the left of all plates."""
    sites = [site for trace in traces for site in trace.nodes.values()]
    samples = [site for site in sites if site["type"] == "sample"]
    dims = [dim for site in samples for dim in plates_around(site).values()]
    return min(dims, default=0) - 1


def _check_apart(
    programs: Programs, traces: Traces, subsamples: Trace, nesting: float
) -> None:
    """Raises where a sample has another density alone than in a chunk, or again."""
    for found in traces:
        found.compute_log_prob(lambda _, site: not site_is_subsample(site))
    _check_dimensions(traces, nesting)
    model, guide, args, kwargs = programs
    indices: Any = {name: site["value"] for name, site in subsamples.nodes.items()}
    given = args, kwargs, indices, nesting
    mixed, by_chance = differing_sites(traces, (model, guide), *given)
    if mixed:
        raise ValueError(MIXED.format(mixed[0]) + ONE_BY_ONE)
    if by_chance:
        raise ValueError(CHANCE.format(by_chance[0]))


# Beyond the dimension of samples is what depends on another sample of each site.
def _check_dimensions(traces: Traces, nesting: float) -> None:
    try:
        dependents(map(prune_subsample_sites, traces), nesting)
    except ValueError as error:
        raise ValueError(f"{error}{ONE_BY_ONE}") from None
