"""Invertible Gaussian Reparameterization for NumPyro."""

try:
    import numpyro as _host  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "numpyro_igr needs NumPyro: pip install 'pyro-igr[numpyro]'", name=error.name
    ) from None

from numpyro_igr.distributions import (
    IGR,
    ExpIGR,
    IGRStickBreaking,
    IGRStraightThrough,
    straight_through,
)
from numpyro_igr.transforms import SoftmaxPlusPlusTransform, StickBreakingTransform

__all__ = [
    "IGR",
    "ExpIGR",
    "IGRStickBreaking",
    "IGRStraightThrough",
    "SoftmaxPlusPlusTransform",
    "StickBreakingTransform",
    "straight_through",
]
