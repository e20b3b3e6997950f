"""What may be said of the standard deviations of a guide."""

from typing import Literal

from numpyro_igr._numerics.checks import check_positive
from numpyro_igr._numerics.shapes import is_number

Scale = float | Literal["learned"] | None


def check_scale(scale: Scale) -> Scale:
    """The scale, if it is one of these.

    Args:
        scale: a positive number, "learned" or None.

    Raises:
        ValueError: if it is none of these.
    """
    if scale is None or isinstance(scale, str) and scale == "learned":
        return scale
    if not is_number(scale):
        raise ValueError(
            f'expected scale to be a number, "learned" or None, got {scale!r}'
        )
    check_positive(scale=scale)
    return scale
