"""Invertible Gaussian Reparameterization for NumPyro."""

try:
    import numpyro as _host  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "numpyro_igr needs NumPyro: pip install 'pyro-igr[numpyro]'", name=error.name
    ) from None

from numpyro_igr.discrete import argmax_probs, match_moments, match_probs, stick_probs
from numpyro_igr.distributions import (
    IGR,
    ExpIGR,
    IGRStickBreaking,
    IGRStraightThrough,
    OneHotCategorical,
    RelaxedOneHotCategorical,
    RelaxedOneHotCategoricalStraightThrough,
    straight_through,
)
from numpyro_igr.handlers import discretize
from numpyro_igr.infer import TraceDiscreteKL_ELBO, TraceSTL_ELBO, assert_analytic_kl
from numpyro_igr.transforms import SoftmaxPlusPlusTransform, StickBreakingTransform

__all__ = [
    "ExpIGR",
    "IGR",
    "IGRStickBreaking",
    "IGRStraightThrough",
    "OneHotCategorical",
    "RelaxedOneHotCategorical",
    "RelaxedOneHotCategoricalStraightThrough",
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
