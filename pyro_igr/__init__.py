"""Invertible Gaussian Reparameterization for Pyro."""

try:
    import pyro as _host  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "pyro_igr needs Pyro: pip install 'pyro-igr[pyro]'", name=error.name
    ) from None

from pyro_igr.distributions import (
    IGR,
    ExpIGR,
    IGRStickBreaking,
    IGRStraightThrough,
    straight_through,
)
from pyro_igr.transforms import SoftmaxPlusPlusTransform, StickBreakingTransform

__all__ = [
    "IGR",
    "ExpIGR",
    "IGRStickBreaking",
    "IGRStraightThrough",
    "SoftmaxPlusPlusTransform",
    "StickBreakingTransform",
    "straight_through",
]
