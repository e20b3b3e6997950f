"""Invertible Gaussian Reparameterization for Pyro."""

try:
    import pyro as _host  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "pyro_igr needs Pyro: pip install 'pyro-igr[pyro]'", name=error.name
    ) from None

from pyro_igr.discrete import argmax_probs, match_moments, match_probs, stick_probs
from pyro_igr.distributions import (
    IGR,
    ExpIGR,
    IGRStickBreaking,
    IGRStraightThrough,
    straight_through,
)
from pyro_igr.handlers import discretize
from pyro_igr.infer import TraceDiscreteKL_ELBO, TraceSTL_ELBO, assert_analytic_kl
from pyro_igr.transforms import SoftmaxPlusPlusTransform, StickBreakingTransform

__all__ = [
    "ExpIGR",
    "IGR",
    "IGRStickBreaking",
    "IGRStraightThrough",
    "SoftmaxPlusPlusTransform",
    "StickBreakingTransform",
    "TraceDiscreteKL_ELBO",
    "TraceSTL_ELBO",
    "argmax_probs",
    "assert_analytic_kl",
    "discretize",
    "match_moments",
    "match_probs",
    "stick_probs",
    "straight_through",
]
