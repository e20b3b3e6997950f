"""A check that programs keep samples, or joint values, apart from one another."""

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
from pyro_igr.infer._last_pair import LastPair

MIXED = (
    "site '{}' has another density beside other samples, or joint values, than alone: "
    "they are in a dimension to the left of all plates. In the program, count "
    "dimensions from the right, and keep those of size 1: for z.sum() of a plate write "
    "z.sum(-1, keepdim=True). Put batch normalization in the mode of .eval()"
)
APART = (
    "samples, or joint values, are in a dimension to the left of all plates: in the "
    "program, count dimensions from the right, and keep those of size 1"
)

TRIES = 20  # of a sample alone, since a coin in a program falls on one side for a while
ERRORS = RuntimeError, ValueError, IndexError
Pair = tuple[Callable, Callable]
Traces = tuple[Trace, Trace]
LogProbs = dict[tuple[int, str], Tensor]


class FirstRun(Messenger):
    """Looks for mixing in the first run of a pair of programs.

    Within it, errors of programs have a note that says how they are run, but for those
    of the host about a number of plates that is given.

    Args:
        programs: the model and the guide, once they are known.
    """

    def __init__(self, *programs: Callable) -> None:
        super().__init__()
        self._last = LastPair(*programs)
        self.is_over = False
        self.subsamples: dict[str, Tensor] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()  # programs need not be picklable

    @property
    def programs(self) -> tuple[Callable | None, ...]:
        """Those of the pair, each None if it is gone."""
        return self._last.programs

    # The traces of the host lack the subsamples of plates.
    def _pyro_post_sample(self, msg: Message) -> None:
        if site_is_subsample(msg):
            self.subsamples[msg["name"]] = cast(Tensor, msg["value"])

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        is_of_nesting = "max_plate_nesting" in str(error)
        if isinstance(error, ERRORS) and not (self.is_over or is_of_nesting):
            cast(Any, error).add_note(APART)
        super().__exit__(kind, error, traceback)

    def check(
        self,
        traces: Traces,
        programs: Pair,
        args: tuple,
        kwargs: Mapping[str, Any],
        nesting: int,
    ) -> None:
        """Raises where one sample has another density alone than beside others.

        It runs the programs on the sample in the middle, and again where a density is
        another: what differs by chance, as under dropout, is not compared.

        Args:
            traces: of the model and the guide, with their log-probabilities.
            programs: the model and the guide, which have one sample at a time.
            args: what both are called with.
            kwargs: what both are called with by name.
            nesting: the number of dimensions that plates have.

        Raises:
            ValueError: naming the site.
        """
        if self.is_over:
            return
        given = _GivenMessenger(traces, self.subsamples, nesting)
        run = partial(_run, programs, given, args, kwargs)
        found = _log_probs(traces).items()
        beside = {site: _middle(log_prob, nesting) for site, log_prob in found}
        with torch.no_grad(), torch.random.fork_rng(range(torch.cuda.device_count())):
            alone = run()
            common = [site for site in alone if site in beside]
            mixed = [x for x in common if not _same(alone[x], beside[x])]
            for _ in range(TRIES):
                again = run() if mixed else {}
                mixed = [x for x in mixed if x in again and _same(alone[x], again[x])]
        if mixed:
            raise ValueError(MIXED.format(mixed[0][1]))
        self.is_over = True


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


def _middle(x: Tensor, nesting: int, event_dim: int = 0) -> Tensor:
    """A sample that is neither first nor last, of what has several."""
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
        self, traces: Traces, subsamples: dict[str, Tensor], nesting: int
    ) -> None:
        super().__init__()
        self.subsamples, self.nesting = subsamples, nesting
        self.sites = {n: site for trace in traces for n, site in trace.nodes.items()}

    def _pyro_sample(self, msg: Message) -> None:
        name = msg["name"]
        if name in self.subsamples:
            of, value = cast(Any, msg["fn"]), self.subsamples[name]
            shape = (of.subsample_size or of.size,)
        elif name in self.sites and not msg["is_observed"]:
            value, shape = cast(Tensor, self.sites[name]["value"]), msg["fn"].shape()
            value = _middle(value, self.nesting, msg["fn"].event_dim)
        else:
            return
        if value.numel() == math.prod(shape):
            msg["value"], msg["done"] = value.reshape(shape), True
