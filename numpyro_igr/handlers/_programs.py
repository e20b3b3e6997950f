"""A check that what stands for a program is one."""

from typing import Any


def check_program(**given: Any) -> None:
    """Raises unless the arguments can be called, as programs are.

    Args:
        given: models or guides by the names of the arguments.

    Raises:
        TypeError: naming the argument.
    """
    for argument, program in given.items():
        if not callable(program):
            raise TypeError(f"expected {argument} to be a program, got {program!r}")
