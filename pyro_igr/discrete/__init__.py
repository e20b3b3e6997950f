"""The discrete side: plain functions of arrays, from Gaussians to probabilities."""

from pyro_igr.discrete.antithetic_noise import antithetic_noise
from pyro_igr.discrete.argmax_probs import argmax_probs, log_argmax_probs
from pyro_igr.discrete.check_probs import check_probs, to_log_probs
from pyro_igr.discrete.conditional import (
    gaussians_given_argmax,
    gaussians_given_stick,
    gumbels_given_argmax,
)
from pyro_igr.discrete.draw_set import draw_set
from pyro_igr.discrete.indexing import lookup
from pyro_igr.discrete.largest_weight_probs import (
    largest_weight_probs,
    log_largest_weight_probs,
)
from pyro_igr.discrete.match_moments import match_moments
from pyro_igr.discrete.match_probs import match_log_probs, match_probs
from pyro_igr.discrete.precision import in_full_precision
from pyro_igr.discrete.probit import probit_of_log_odds
from pyro_igr.discrete.set_weights import leave_one_out_weights, set_weights
from pyro_igr.discrete.stick_probs import (
    log_stick_probs,
    match_log_stick_probs,
    match_stick_probs,
    stick_probs,
)
from pyro_igr.discrete.truncation import num_active, truncate

__all__ = [
    "antithetic_noise",
    "argmax_probs",
    "check_probs",
    "draw_set",
    "gaussians_given_argmax",
    "gaussians_given_stick",
    "gumbels_given_argmax",
    "in_full_precision",
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
    "probit_of_log_odds",
    "set_weights",
    "stick_probs",
    "to_log_probs",
    "truncate",
]
