"""Samples of a guide, a chunk at a time, and their weights."""

from collections.abc import Callable
from typing import NamedTuple

import pyro
import torch
from pyro import poutine
from pyro.poutine import Trace
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.handlers._same_size import SameSizeMessenger
from pyro_igr.infer._data_plates import SAMPLES, Plates, log_weight, plates_around

MIXED = (
    "a sample has another weight alone than in a chunk, so that model or guide mix "
    "samples, which are in a dimension to the left of all plates: chunk_size=1 runs "
    "them one by one"
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

    def run(self, within: Callable = lambda fn: fn) -> tuple[Trace, Trace]:
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
    fixed = _subsamples(*first)
    if chunk_size == 1:
        runs = [programs.run(fixed) for _ in range(num_samples)]
        return torch.stack([log_weight(*run, plate) for run in runs])
    found, dim = [], _first_free_dim(*first)
    for start in range(0, num_samples, chunk_size):
        size = min(chunk_size, num_samples - start)
        traces = _run_chunk(programs, _repeat(fixed, size, dim))
        found.append(log_weight(*traces, plate))
        if start == 0:
            alone = programs.run(_GivenMessenger(fixed, *traces))
            _check_same(log_weight(*alone, plate), found[0][0])
    return torch.cat(found)


def _run_chunk(programs: Programs, within: Callable) -> tuple[Trace, Trace]:
    try:
        return programs.run(within)
    except (RuntimeError, ValueError, IndexError) as error:
        error.add_note(APART)
        raise


def _subsamples(*traces: Trace) -> Callable:
    """A handler that keeps the indices of subsampled plates."""
    kept = Trace()
    for trace in traces:
        for name, site in trace.nodes.items():
            if site_is_subsample(site):
                kept.nodes[name] = site
    return lambda fn: poutine.replay(fn, trace=kept)


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


class _GivenMessenger(Messenger):
    """Gives every latent site its value in the first of the samples."""

    def __init__(self, within: Callable, *traces: Trace) -> None:
        super().__init__()
        self.within = within
        sites = {n: site for trace in traces for n, site in trace.nodes.items()}
        self.sites: dict[str, Message] = sites

    def __call__(self, fn: Callable) -> Callable:
        return super().__call__(self.within(fn))

    def _pyro_sample(self, msg: Message) -> None:
        is_subsample = site_is_subsample(msg)
        if not (msg["is_observed"] or is_subsample or msg["name"] not in self.sites):
            value = self.sites[msg["name"]]["value"][0]
            msg["value"] = value.reshape(msg["fn"].shape())


def _check_same(alone: Tensor, among_others: Tensor) -> None:
    tolerance = {"rtol": 1e-3, "atol": 1e-3, "equal_nan": True}
    if not torch.allclose(alone, among_others, **tolerance):
        raise ValueError(MIXED)
