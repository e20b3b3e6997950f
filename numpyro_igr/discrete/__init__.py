"""The discrete side: plain functions of arrays, from Gaussians to probabilities."""

from numpyro_igr.discrete.argmax_probs import argmax_probs, log_argmax_probs
from numpyro_igr.discrete.check_probs import check_probs, to_log_probs
from numpyro_igr.discrete.largest_weight_probs import (
    largest_weight_probs,
    log_largest_weight_probs,
)
from numpyro_igr.discrete.match_moments import match_moments
from numpyro_igr.discrete.match_probs import match_log_probs, match_probs
from numpyro_igr.discrete.probit import probit_of_log_odds
from numpyro_igr.discrete.stick_probs import (
    log_stick_probs,
    match_log_stick_probs,
    match_stick_probs,
    stick_probs,
)
from numpyro_igr.discrete.truncation import num_active, truncate

__all__ = [
    "argmax_probs",
    "check_probs",
    "largest_weight_probs",
    "log_argmax_probs",
    "log_largest_weight_probs",
    "log_stick_probs",
    "match_log_probs",
    "match_log_stick_probs",
    "match_moments",
    "match_probs",
    "match_stick_probs",
    "num_active",
    "probit_of_log_odds",
    "stick_probs",
    "to_log_probs",
    "truncate",
]
