"""The sites that a run has reached, for a note to an error that it raises."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

VECTORS = (
    "the values of sites {} are vectors here, as one_hot says, not integers: choose by "
    "lookup(table, z), or by a product with z"
)


@contextmanager
def noting_vectors(sites: Collection[str], one_hot: Collection[str]) -> Iterator[None]:
    """Adds to errors of a program which of its integer sites have vectors now.

    A program may compare such a value, say, whose shape then fits no more.

    Args:
        sites: the names of the sites so far, to which the program adds.
        one_hot: the names of the sites that were of integers.
    """
    try:
        yield
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        if found := [name for name in one_hot if name in sites]:
            error.add_note(VECTORS.format(found))
        raise


def find_and_record(find: Callable, sites: list[str], site: dict) -> Any:
    """What a function finds at a site, whose name is then added to a list.

    It is added last, so that the note to an error at this site, which
    :func:`noting_vectors` writes, is about the sites before it alone.

    Args:
        find: a function of the site and, as ``seen``, of the names of those before it.
        sites: the names of the sites so far.
        site: a site, or its message.
    """
    found = find(site, seen=sites)
    sites.append(site["name"])
    return found
