"""The discrete side: plain functions of arrays, from Gaussians to probabilities."""

from numpyro_igr.discrete.argmax import argmax_probs, log_argmax_probs
from numpyro_igr.discrete.conditional import (
    gaussians_given_argmax,
    gaussians_given_stick,
    gumbels_given_argmax,
)
from numpyro_igr.discrete.indexing import lookup
from numpyro_igr.discrete.largest_weight import (
    largest_weight_probs,
    log_largest_weight_probs,
)
from numpyro_igr.discrete.matching import match_log_probs, match_probs
from numpyro_igr.discrete.moments import match_moments
from numpyro_igr.discrete.sets import draw_set, leave_one_out_weights, set_weights
from numpyro_igr.discrete.sticks import (
    log_stick_probs,
    match_log_stick_probs,
    match_stick_probs,
    stick_probs,
)
from numpyro_igr.discrete.truncation import num_active, truncate
from numpyro_igr.discrete.vertices import reinmax, straight_through, with_gradient_of

__all__ = [
    "argmax_probs",
    "draw_set",
    "gaussians_given_argmax",
    "gaussians_given_stick",
    "gumbels_given_argmax",
    "largest_weight_probs",
    "leave_one_out_weights",
    "log_argmax_probs",
    "log_largest_weight_probs",
    "log_stick_probs",
    "lookup",
    "match_log_probs",
    "match_log_stick_probs",
    "match_moments",
    "match_probs",
    "match_stick_probs",
    "num_active",
    "reinmax",
    "set_weights",
    "stick_probs",
    "straight_through",
    "truncate",
    "with_gradient_of",
]
