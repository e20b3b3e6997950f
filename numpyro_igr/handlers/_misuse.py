"""Errors that say how a program misuses a relaxed value."""

from collections.abc import Collection

from numpyro_igr.handlers._marks import (
    COMPARED,
    FLAT,
    INTEGER,
    ORDERED,
    OWN,
    ROUNDED,
    SMOOTH,
    Marks,
)

MISUSED = (
    "site '{0}' is relaxed, and the program {1}. A relaxed value lies between the "
    "categories (.97 has index 0, and equals none), and no gradient passes. Index by "
    "lookup(table, z), write a choice as a product, or leave the site discrete with "
    "keep={{'{0}'}} in relax. {2}"
)
INTENDED = "If this use is intended, write stop_gradient(z)"
INTENDED_NUMBER = (
    "If an index or a number of trials is intended, write "
    "stop_gradient(z).round().astype(int) of a count, and stop_gradient(z).argmax(-1) "
    "of a one-hot vector"
)
VERBS = {
    COMPARED: "tests its value for equality",
    FLAT: "depends on its value in steps only",
    INTEGER: "converts its value to an integer",
    ORDERED: "compares its value with a threshold",
    ROUNDED: "rounds its value, or takes a remainder of it",
}
IN_PYTHON = "uses its value as an index, a condition or a number of trials"


def check_marks(marks: Marks) -> None:
    """Raises at a mark of misuse; a flat one is none beside a smooth one.

    Args:
        marks: those that reach the distributions of a program.

    Raises:
        ValueError: naming the site, and its use.
    """
    smooth = {site for site, mark in marks if mark in (OWN, SMOOTH)}
    for site, mark in sorted(marks):
        if mark in VERBS and not (mark == FLAT and site in smooth):
            raise ValueError(MISUSED.format(site, VERBS[mark], INTENDED))


def in_python(sites: Collection[str]) -> ValueError:
    """An error in place of one of the host's, which does not name the site.

    Args:
        sites: those that it may be about.
    """
    return ValueError(MISUSED.format("', '".join(sites), IN_PYTHON, INTENDED_NUMBER))
