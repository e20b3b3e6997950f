"""The paper's distributions of non-negative integers, by SciPy."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

NUM_VALUES = 1000
WEIGHTS = np.array([10, 1, 5, 1, 10, 10, 1, 6, 1, 1])


class Target(NamedTuple):
    """A distribution to approximate.

    Args:
        name: What to call it on a command line.
        label: What to call it in print.
        distribution: It, of SciPy; beyond `NUM_VALUES` it has no mass worth counting.
        support: The number of its values, which start at 0; `None` if countable.
    """

    name: str
    label: str
    distribution: Any
    support: int | None = None

    def log_probs(self, num_categories: int) -> NDArray[np.floating]:
        """Log probabilities of 0, 1, ..., and of the last category and all beyond."""
        values = np.arange(num_categories)
        log_probs = self.distribution.logpmf(values)
        beyond = self.distribution.logsf(values[-2])
        log_probs[-1] = max(beyond, log_probs[-1])  # the first of them, if 0 in all
        return log_probs

    def probs(self, num_categories: int) -> NDArray[np.floating]:
        """Probabilities of the same categories."""
        return np.exp(self.log_probs(num_categories))

    def total_variation(self, probs: NDArray[np.floating]) -> NDArray[np.floating]:
        """Distances of some others, with shape `(..., NUM_VALUES)`."""
        own = self.distribution.pmf(np.arange(NUM_VALUES))
        return abs(probs - own).sum(-1) / 2

    def elbo(self, probs: NDArray[np.floating]) -> NDArray[np.floating]:
        r"""Evidence lower bounds with some others as guides, in nats.

        There are no data, so each of them is at most 0.

        .. math:: E_q [\log p(n) - \log q(n)] = -KL(q || p)
        """
        own = self.distribution.logpmf(np.arange(NUM_VALUES))
        given = np.where(probs > 0, probs, 1)
        return (probs * np.where(probs > 0, own - np.log(given), 0)).sum(-1)


_TARGETS = (
    Target("poisson", "Poisson(50)", stats.poisson(50)),
    Target("binomial", "Binomial(12, 0.3)", stats.binom(12, 0.3), 13),
    Target("negative-binomial", "NegativeBinomial(50, 0.6)", stats.nbinom(50, 0.6)),
    Target("geometric", "Geometric(0.1)", stats.geom(0.1, loc=-1)),
    Target(
        "discrete",
        "Discrete",
        stats.rv_discrete(values=(np.arange(10), WEIGHTS / WEIGHTS.sum())),
        10,
    ),
)
TARGETS = {target.name: target for target in _TARGETS}


def widen(
    probs: NDArray[np.floating], *, breaks_last: bool = False
) -> NDArray[np.floating]:
    """Probabilities of the first `NUM_VALUES` integers.

    Args:
        probs: Of the categories, with shape `(num_categories,)`.
        breaks_last: Whether the last category stands for all integers from there on,
            each of which takes half of what is left, as sticks of N(0, 1) do.
    """
    beyond = np.arange(NUM_VALUES - (len(probs) - 1))
    shares = 0.5 ** (beyond + 1) if breaks_last else beyond == 0
    return np.append(probs[:-1], probs[-1] * shares)
