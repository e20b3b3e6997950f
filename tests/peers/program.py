"""What is said of a program of a host, and what comes of running it."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from checkout import Edit


class Joint(NamedTuple):
    """How the latent sites of a program depend on each other, its others given.

    Args:
        sizes: The number of values of each.
        values: The values of the program's sites, given one for each of ``sizes``.
        dim: The dimension of log-probabilities along which they are independent.
    """

    sizes: tuple[int, ...]
    values: Callable[[Any], dict[str, Any]]
    dim: int = -1


class Program(NamedTuple):
    """A program of a host with discrete latent variables.

    Args:
        load: Makes the model and its arguments, given an edit or None.
        edit: What makes it one that can be relaxed, if it is none as it stands.
        one_hot: As in ``relax``.
        joint: Of the discrete sites, if they are not independent given the others.
        max_plate_nesting: As in the hosts' enumeration.
        create_plates: As in ``AutoIGR``.
        refused: What the error says of a program that cannot be relaxed.
    """

    load: Callable[[Edit | None], tuple[Callable, tuple]]
    edit: Edit | None = None
    one_hot: Collection[str] = ()
    joint: Joint | None = None
    max_plate_nesting: int = 1
    create_plates: Callable | None = None
    refused: str | None = None

    def described(self) -> dict[str, str]:
        """How it is relaxed, and by which edit, in words."""
        edit = self.edit.described() if self.edit else ""
        how = "refused" if self.refused else "by the edit" if edit else "as it stands"
        return {"how": how, "edit": edit}


class Estimate(NamedTuple):
    """A mean and its standard error."""

    mean: float
    error: float
