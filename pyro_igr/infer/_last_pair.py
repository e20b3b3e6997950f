"""The pair of programs that an engine has checked."""

from collections.abc import Callable
from typing import Any


class LastPair:
    """The last pair of programs that was checked; none in a pickle or a copy.

    Args:
        programs: the model and the guide, once they are checked.
    """

    def __init__(self, *programs: Callable) -> None:
        self.programs = programs

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()
