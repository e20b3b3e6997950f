"""Whether the densities of one sample are the same alone and beside others."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast

import torch
from pyro.poutine import Trace, trace
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message

# Runs of a sample alone: a program that tosses coins may give the same a few times.
TRIES = 20
Pair = tuple[Callable, Callable]
Traces = tuple[Trace, Trace]
LogProbs = dict[tuple[int, str], Tensor]


def differing_sites(
    traces: Traces,
    programs: Pair,
    args: tuple,
    kwargs: Mapping[str, Any],
    subsamples: Mapping[str, Tensor],
    nesting: float,
) -> tuple[list[str], list[str]]:
    """The sites whose density is another where a sample runs alone, in two lists.

    Those of the first have the same density whenever the sample runs alone, so that the
    program mixes samples; those of the second have another in another run, by chance.

    Args:
        traces: of the model and the guide, with their log-probabilities.
        programs: the model and the guide, which have one sample at a time.
        args: what both are called with.
        kwargs: what both are called with by name.
        subsamples: of plates, by name.
        nesting: the number of dimensions that plates have; infinity if there are no
            other samples.
    """
    given = _GivenMessenger(traces, subsamples, nesting)
    run = partial(_run, programs, given, args, kwargs)
    found = _log_probs(traces).items()
    beside = {site: _middle(log_prob, nesting) for site, log_prob in found}
    with torch.no_grad(), torch.random.fork_rng(range(torch.cuda.device_count())):
        alone = run()
        common = [site for site in alone if site in beside]
        others = [x for x in common if not _same(alone[x], beside[x])]
        mixed = others
        for _ in range(TRIES):
            again = run() if mixed else {}
            mixed = [x for x in mixed if x in again and _same(alone[x], again[x])]
    by_chance = [name for i, name in others if (i, name) not in mixed]
    return [name for _, name in mixed], by_chance


def _run(
    programs: Pair, given: Messenger, args: tuple, kwargs: Mapping[str, Any]
) -> LogProbs:
    """The log-probabilities of the model and of the guide, which runs first."""
    found = []
    for program in reversed(programs):
        found.insert(0, trace(given(program)).get_trace(*args, **kwargs))
        found[0].compute_log_prob(lambda _, site: not site_is_subsample(site))
    return _log_probs(found)


def _log_probs(traces: Iterable[Trace]) -> LogProbs:
    """Those by site, of the model (0) and of the guide (1)."""
    return {
        (i, name): site["log_prob"]
        for i, found in enumerate(traces)
        for name, site in found.nodes.items()
        if "log_prob" in site
    }


def _middle(x: Tensor, nesting: float, event_dim: int = 0) -> Tensor:
    """A sample in the middle, neither first nor last, if there are several."""
    return x[len(x) // 2] if x.dim() - event_dim > nesting else x


def _same(a: Tensor, b: Tensor) -> bool:
    tolerance = {"rtol": 1e-3, "atol": 1e-3, "equal_nan": True}
    try:
        a, b = torch.broadcast_tensors(a, b.to(a))
    except RuntimeError:  # a plate has another size, by chance
        return False
    return torch.allclose(a, b, **tolerance)


class _GivenMessenger(Messenger):
    """Gives every latent site its value in the sample in the middle, if it fits."""

    def __init__(
        self, traces: Traces, subsamples: Mapping[str, Tensor], nesting: float
    ) -> None:
        super().__init__()
        self.subsamples, self.nesting = subsamples, nesting
        self.sites = {n: site for trace in traces for n, site in trace.nodes.items()}

    def _pyro_sample(self, msg: Message) -> None:
        name = msg["name"]
        if name in self.subsamples:
            plate, value = cast(Any, msg["fn"]), self.subsamples[name]
            shape = (plate.subsample_size or plate.size,)
        elif name in self.sites and not msg["is_observed"]:
            value, shape = cast(Tensor, self.sites[name]["value"]), msg["fn"].shape()
            value = _middle(value, self.nesting, msg["fn"].event_dim)
        else:
            return
        if value.numel() == math.prod(shape):
            msg["value"], msg["done"] = value.reshape(shape), True
