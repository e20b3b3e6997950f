"""The names of sites that an argument gives: whether they are names, and of sites."""

import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

UNKNOWN = (
    "expected {} to name sites of the model, got {}: a name that no site has is "
    "ignored, and the sites of this run are {}"
)

VECTORS = (
    "the values of sites {} are vectors here, as one_hot says, not integers: choose by "
    "lookup(table, z), or by a product with z"
)


def check_names(**given: Collection[str]) -> None:
    """Raises if what should be names is no collection, or a string, one of letters.

    Args:
        given: the collections by the names of the arguments.
    """
    for argument, names in given.items():
        if not isinstance(names, Collection):
            raise TypeError(
                f"expected {argument} to be a collection of names, got {names!r}"
            )
        if isinstance(names, str):
            raise TypeError(
                f"expected {argument} to be a collection of names, such as "
                f"{{{names!r}}}, got the string {names!r}"
            )


def warn_of_unknown(sites: Collection[str], **given: Collection[str]) -> None:
    """Warns of names that no site has; not an error, since another run may have it.

    Args:
        sites: the names of the sites of a run.
        given: the collections by the names of the arguments.
    """
    for argument, names in given.items():
        unknown = [name for name in names if name not in sites]
        if unknown:
            found = UNKNOWN.format(argument, unknown, list(sites))
            warnings.warn(found, stacklevel=3)


# As where a program compares such a value, and its shape does not fit any more.
@contextmanager
def noting_vectors(sites: Collection[str], one_hot: Collection[str]) -> Iterator[None]:
    """Adds to errors of a program which of its integers are vectors now.

    Args:
        sites: the names of the sites so far, which grow within.
        one_hot: the names of those that were of integers.
    """
    try:
        yield
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        if found := [name for name in one_hot if name in sites]:
            error.add_note(VECTORS.format(found))
        raise


# Notes to an error of relaxing a site are then of those before it.
def see(find: Callable, sites: list[str], site: dict) -> Any:
    """What a function finds for a site, whose name is added if it is not refused.

    Args:
        find: a function of the site and of the names of those before it, ``seen``.
        sites: the names of the sites so far.
        site: a site, or its message.
    """
    found = find(site, seen=sites)
    sites.append(site["name"])
    return found
