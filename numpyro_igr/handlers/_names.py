"""The names of sites that an argument gives: whether they are names, and of sites."""

import warnings
from collections.abc import Collection

UNKNOWN = (
    "expected {} to name sites of the model, got {}: a name that no site has is "
    "ignored, and the sites of this run are {}"
)


def check_names(**given: Collection[str]) -> None:
    """Raises unless the arguments are collections of names, which no string is.

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
