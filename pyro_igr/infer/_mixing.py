"""A check that programs keep samples, or joint values, apart from one another."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.infer._last_pair import LastPair
from pyro_igr.infer._one_sample import Pair, Traces, differing_sites

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
ERRORS = RuntimeError, ValueError, IndexError


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
        given = self.subsamples, nesting
        mixed, _ = differing_sites(traces, programs, args, kwargs, *given)
        if mixed:
            raise ValueError(MIXED.format(mixed[0]))
        self.is_over = True
