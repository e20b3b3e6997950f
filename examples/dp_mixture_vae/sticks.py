"""The parameters of sticks, and where they start: even weights, or the prior."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_expit, roots_hermitenorm

NODES, WEIGHTS = roots_hermitenorm(64)
START_SCALE = np.exp(-1.0)
AXES_OF_STICKS = {"means": 0, "breaks": 1, "breaks_of_image": 1}


@cache
def nearest_gaussian(concentration: float) -> tuple[float, float, float]:
    r"""The Gaussian nearest to the logit of a stick of the prior.

    .. math::
        \min_{\mu, \sigma} KL(N(\mu, \sigma^2) \,\|\, p), \qquad
        \log p(y) = \log \alpha + \log s(y) + \alpha \log s(-y)

    where s is the logistic function and p the density of the logit of Beta(1, alpha).

    Args:
        concentration: The alpha of Beta(1, alpha).

    Returns:
        The mean and the standard deviation, and the KL in nats: what a stick costs
        that starts there.
    """

    def kl(parameters: NDArray[np.floating]) -> float:
        loc, log_scale = parameters
        y = loc + np.exp(log_scale) * NODES
        log_p = np.log(concentration) + log_expit(y) + concentration * log_expit(-y)
        entropy = log_scale + 0.5 * np.log(2 * np.pi * np.e)
        return -entropy - WEIGHTS @ log_p / WEIGHTS.sum()

    start = [-np.log(concentration), 0.5]
    found = minimize(kl, start, method="Nelder-Mead", options={"xatol": 1e-9})
    return float(found.x[0]), float(np.exp(found.x[1])), float(found.fun)


def even_sticks(num_sticks: int) -> NDArray[np.float32]:
    """Logits of the sticks that break all weights even, the rest included."""
    return -np.log(num_sticks - np.arange(num_sticks, dtype=np.float32))


def start_of_sticks(
    law: str, concentration: float, num_sticks: int
) -> NDArray[np.float32]:
    """Parameters with which the sticks break even weights.

    Parameters of zero are the prior: so do those of a stick start that is added later.

    Args:
        law: "igr-sb" or "dldpmm".
        concentration: Of the prior.
        num_sticks: The number n of sticks.

    Returns:
        Two rows of n: for "igr-sb" the location and the log scale, relative to the
        Gaussian nearest to the prior; for "dldpmm" the logarithms of the two
        concentrations, relative to the prior's.
    """
    even = even_sticks(num_sticks)
    if law == "dldpmm":
        return np.stack([0 * even, -even - np.log(concentration)]).astype(np.float32)
    loc, scale, _ = nearest_gaussian(concentration)
    log_scale = np.full_like(even, np.log(START_SCALE / scale))
    return np.stack([even - loc, log_scale]).astype(np.float32)
