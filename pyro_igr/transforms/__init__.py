"""Invertible maps from R^(K-1) onto the simplex or itself, one a file."""

from pyro_igr.transforms.flow import FlowSoftmaxPlusPlusTransform
from pyro_igr.transforms.planar import PlanarTransform
from pyro_igr.transforms.simplex import SimplexTransform
from pyro_igr.transforms.softmax_plus_plus import (
    LogSoftmaxPlusPlusTransform,
    SoftmaxPlusPlusTransform,
)
from pyro_igr.transforms.stick_breaking import StickBreakingTransform, Tempering

__all__ = [
    "FlowSoftmaxPlusPlusTransform",
    "LogSoftmaxPlusPlusTransform",
    "PlanarTransform",
    "SimplexTransform",
    "SoftmaxPlusPlusTransform",
    "StickBreakingTransform",
    "Tempering",
]
