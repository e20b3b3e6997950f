"""Sticks broken by Beta laws, as mean-field bounds of mixtures have them, in NumPy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma, polygamma

from examples.dp_mixture_vae.sticks import nearest_gaussian


class BetaSticks(NamedTuple):
    """Independent Beta laws of some sticks.

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
