"""Invertible maps from R^(K-1) onto the simplex or itself, one a file."""

from numpyro_igr.transforms.flow import FlowSoftmaxPlusPlusTransform
from numpyro_igr.transforms.planar import PlanarTransform
from numpyro_igr.transforms.simplex import SimplexTransform
from numpyro_igr.transforms.softmax_plus_plus import (
    LogSoftmaxPlusPlusTransform,
    SoftmaxPlusPlusTransform,
)
from numpyro_igr.transforms.stick_breaking import StickBreakingTransform, Tempering

__all__ = [
    "FlowSoftmaxPlusPlusTransform",
    "LogSoftmaxPlusPlusTransform",
    "PlanarTransform",
    "SimplexTransform",
    "SoftmaxPlusPlusTransform",
    "StickBreakingTransform",
    "Tempering",
]
