"""The plates that sites share, which keep the elements of a batch apart."""

from collections.abc import Collection, Iterable
from typing import Any

from jax import Array

from numpyro_igr.infer._data_plates import Plates, plates_around


def check_plate(plate: Plates) -> Plates:
    """The plates that are named, if these are names.

    Args:
        plate: a name, a collection of names or None.

    Raises:
        TypeError: if it is none of these.
    """
    if not (plate is None or isinstance(plate, Collection)):
        raise TypeError(
            f"expected plate to be a name, a collection of names or None, got {plate!r}"
        )
    return plate


def common_plates(sites: Iterable[dict]) -> tuple[int, ...]:
    """The dimensions of the plates that all sites lie in, counted from the right.

    Args:
        sites: of a trace, at least one.
    """
    stacks = [set(plates_around(site).items()) for site in sites]
    return tuple(sorted(dim for _, dim in set.intersection(*stacks)))


def sum_to_plates(x: Array, plates: tuple[int, ...]) -> Array:
    """Sums over all dimensions but the first and those of plates.

    Args:
        x: of shape ``(S,) + batch``.
        plates: dimensions, counted from the right.
    """
    return x.sum([dim for dim in range(1 - x.ndim, 0) if dim not in plates])


def sum_outside(x: Array, frames: Iterable[Any]) -> Array:
    """Sums over all dimensions but those of plates, which stay where they are.

    Args:
        x: of any shape.
        frames: of the plates.
    """
    plates = {frame.dim for frame in frames}
    others = [dim for dim in range(-x.ndim, 0) if dim not in plates]
    return x.sum(others, keepdims=True)
