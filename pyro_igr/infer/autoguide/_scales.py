"""What may be said of the standard deviations of a guide."""

from typing import Literal

from pyro_igr._numerics.checks import check_positive

Scale = float | Literal["learned"] | None


def check_scale(scale: Scale) -> Scale:
    """The scale, if it is one of these.

    Args:
        scale: a positive number, "learned" or None.

    Raises:
        ValueError: if it is none of these.
    """
    if isinstance(scale, str) and scale != "learned":
        raise ValueError(
            f'expected scale to be a number, "learned" or None, got {scale!r}'
        )
    if not (scale is None or isinstance(scale, str)):
        check_positive(scale=scale)
    return scale
