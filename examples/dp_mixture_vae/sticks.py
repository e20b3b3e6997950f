"""The sticks of a mixture, in NumPy: where they start, and the best Beta ones."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, digamma, log_expit, polygamma, roots_hermitenorm

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
    family: str, concentration: float, num_sticks: int
) -> NDArray[np.float32]:
    """Parameters with which the sticks break even weights.

    Parameters of zero are the prior: so do those of a stick start that is added later.

    Args:
        family: "igr-sb" or "dldpmm".
        concentration: Of the prior.
        num_sticks: The number n of sticks.

    Returns:
        Two rows of n: for "igr-sb" the location and the log scale, relative to the
        Gaussian nearest to the prior; for "dldpmm" the logarithms of the two
        concentrations, relative to the prior's.
    """
    even = even_sticks(num_sticks)
    if family == "dldpmm":
        return np.stack([0 * even, -even - np.log(concentration)]).astype(np.float32)
    loc, scale, _ = nearest_gaussian(concentration)
    log_scale = np.full_like(even, np.log(START_SCALE / scale))
    return np.stack([even - loc, log_scale]).astype(np.float32)


class BetaSticks(NamedTuple):
    """Independent Beta distributions of some sticks.

    Args:
        first: The first parameter of each.
        second: The second one.
    """

    first: NDArray[np.floating]
    second: NDArray[np.floating]

    @classmethod
    def of_counts(
        cls, counts: NDArray[np.floating], concentration: float
    ) -> "BetaSticks":
        r"""The best ones, given the images of the components.

        .. math::
            q(u_k) = Beta(1 + N_k, \alpha + N_{>k})

        Args:
            counts: The images N of each component, those without a stick last.
            concentration: The alpha of the prior.
        """
        beyond = counts[::-1].cumsum()[-2::-1]
        return cls(1 + counts[:-1], concentration + beyond)

    @property
    def mean_log_weights(self) -> NDArray[np.floating]:
        """The mean logarithms of the weights that they break, the rest last."""
        total = digamma(self.first + self.second)
        left = np.cumsum(digamma(self.second) - total)
        return np.append(digamma(self.first) - total, 0) + np.append(0, left)

    def kl(self, concentration: float) -> float:
        """The KL to Beta(1, concentration), summed, in nats."""
        first, second = self
        total = digamma(first + second)
        return float(
            np.sum(
                betaln(1, concentration)
                - betaln(first, second)
                + (first - 1) * (digamma(first) - total)
                + (second - concentration) * (digamma(second) - total)
            )
        )

    def breaks(self, num_sticks: int, concentration: float) -> NDArray[np.float32]:
        """Parameters as `start_of_sticks` has them: Gaussians of equal moments.

        Args:
            num_sticks: Those beyond these sticks are at the prior.
            concentration: That parameters of zero mean.
        """
        loc, scale, _ = nearest_gaussian(concentration)
        variance = polygamma(1, self.first) + polygamma(1, self.second)
        found = np.zeros((2, num_sticks), np.float32)
        found[0, : len(variance)] = digamma(self.first) - digamma(self.second) - loc
        found[1, : len(variance)] = np.log(variance) / 2 - np.log(scale)
        return found
