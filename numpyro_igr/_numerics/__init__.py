"""The ground floor: what every other part of the package may use."""

from numpyro_igr._numerics.checks import (
    check_positive,
    check_probabilities,
    check_real,
    check_size,
    refuse_complex,
)

__all__ = [
    "check_positive",
    "check_probabilities",
    "check_real",
    "check_size",
    "refuse_complex",
]
