"""The pair of programs that an engine has checked."""

from collections.abc import Callable
from inspect import ismethod
from typing import Any
from weakref import WeakMethod, ref


class LastPair:
    """The last pair of programs that was checked; none in a pickle or a copy.

    It keeps no program alive, nor the data or the traced values that one closes over.

    Args:
        programs: the model and the guide, once they are checked.
    """

    def __init__(self, *programs: Callable) -> None:
        self._references = tuple(map(_reference, programs))

    @property
    def programs(self) -> tuple[Callable | None, ...]:
        """Those of the pair, each None if it is gone."""
        return tuple(reference() for reference in self._references)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


def _reference(program: Callable) -> Callable[[], Callable | None]:
    try:
        return WeakMethod(program) if ismethod(program) else ref(program)
    except TypeError:  # one of a class that allows for none
        return lambda: program
