"""A check that programs keep samples, or joint values, apart from one another."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from pyro.poutine import Trace, trace
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message

MIXED = (
    "site '{}' has another density beside other samples, or joint values, than alone: "
    "they are in a dimension to the left of all plates. In the program, count "
    "dimensions from the right, and keep those of size 1: for z.sum() of a plate write "
    "z.sum(-1, keepdim=True)"
)
APART = (
    "samples, or joint values, are in a dimension to the left of all plates: in the "
    "program, count dimensions from the right, and keep those of size 1"
)

Pair = tuple[Callable, Callable]
Traces = tuple[Trace, Trace]


@contextmanager
def noting_samples(*, if_first: bool) -> Iterator[None]:
    """Notes how programs are run where they fail in that dimension.

    Args:
        if_first: whether it is their first run, since later errors are of other causes.
    """
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        if if_first:
            error.add_note(APART)
        raise


def check_each(
    traces: Traces,
    programs: Pair,
    args: tuple,
    kwargs: Mapping[str, Any],
    nesting: int,
) -> None:
    """Raises where one sample has another density alone than beside others.

    It runs the programs twice, on the sample in the middle: what differs by chance, as
    under dropout, is not compared.

    Args:
        traces: of the model and the guide, with their log-probabilities.
        programs: the model and the guide, which have one sample at a time.
        args: what both are called with.
        kwargs: what both are called with by name.
        nesting: the number of dimensions that plates have.

    Raises:
        ValueError: naming the site.
    """
    given = _GivenMessenger(traces, nesting)
    with torch.no_grad(), torch.random.fork_rng(range(torch.cuda.device_count())):
        runs = [_run(programs, given, args, kwargs) for _ in range(2)]
    for beside, alone, again in zip(traces, *runs, strict=True):
        for name, log_prob in alone.items():
            site = beside.nodes[name]
            is_random = not _same(log_prob, again[name])
            if not (is_random or _same(log_prob, _middle(site["log_prob"], nesting))):
                raise ValueError(MIXED.format(name))


def _run(
    programs: Pair, given: Messenger, args: tuple, kwargs: Mapping[str, Any]
) -> list[dict[str, Tensor]]:
    """The log-probabilities by site of the model and of the guide, run in turn."""
    found = []
    for program in reversed(programs):
        run = trace(given(program)).get_trace(*args, **kwargs)
        run.compute_log_prob(lambda _, site: not site_is_subsample(site))
        sites = run.nodes.items()
        found.insert(0, {n: s["log_prob"] for n, s in sites if "log_prob" in s})
    return found


def _middle(x: Tensor, nesting: int, event_dim: int = 0) -> Tensor:
    """A sample that is neither first nor last, of what has several."""
    return x[len(x) // 2] if x.dim() - event_dim > nesting else x


def _same(a: Tensor, b: Tensor) -> bool:
    tolerance = {"rtol": 1e-3, "atol": 1e-3, "equal_nan": True}
    return torch.allclose(*torch.broadcast_tensors(a, b.to(a)), **tolerance)


class _GivenMessenger(Messenger):
    """Gives every latent site its value in the sample in the middle."""

    def __init__(self, traces: Traces, nesting: int) -> None:
        super().__init__()
        self.nesting = nesting
        self.sites = {n: site for trace in traces for n, site in trace.nodes.items()}

    def _pyro_sample(self, msg: Message) -> None:
        if msg["is_observed"] or msg["name"] not in self.sites:
            return
        value = cast(Tensor, self.sites[msg["name"]]["value"])
        if not site_is_subsample(msg):
            value = _middle(value, self.nesting, msg["fn"].event_dim)
            value = value.reshape(msg["fn"].shape())
        msg["value"], msg["done"] = value, True
