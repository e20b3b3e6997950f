"""What ArviZ says of importance weights and of draws, by its release 0.23 or 1."""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from xarray import Dataset

with warnings.catch_warnings():  # 0.23 announces release 1 once a day
    warnings.simplefilter("ignore")
    import arviz as az


class ParetoK(NamedTuple):
    """The shapes of the tails of importance weights.

    Below `good_k`, which depends on the number of samples, the average of the weights
    is reliable (Vehtari et al., 2024), and the guide is a good proposal.

    Args:
        k: The shape of each image's; infinite where no tail can be fitted, as to few
            or equal weights.
        good_k: The largest at which their average is reliable.
    """

    k: NDArray[np.floating]
    good_k: float

    @classmethod
    def of(cls, log_weights: NDArray[np.floating]) -> "ParetoK":
        """That of weights with shape `(images, samples)`."""
        good_k = min(1 - 1 / np.log10(log_weights.shape[-1]), 0.7)
        return cls(_tail_shapes(log_weights), good_k)


def _tail_shapes(log_weights: NDArray[np.floating]) -> NDArray[np.floating]:
    if hasattr(az, "psislw"):  # release 0.23
        return az.psislw(log_weights)[1]
    return np.array([_tail_shape(of_image) for of_image in log_weights])


def _tail_shape(log_weights: NDArray[np.floating]) -> float:
    """By release 1, which takes log-likelihoods: their inverses are the weights."""
    from arviz_stats.base import array_stats

    try:
        k = float(array_stats.psislw(-log_weights)[1])
    except ValueError:  # few samples, or a tail of equal ones
        return np.inf
    return np.inf if np.isnan(k) else k


def summarize(draws: Dataset) -> str:
    """Mean, standard deviation and interval of each variable, as a table."""
    return az.summary(draws, kind="stats", round_to=2).to_string()
