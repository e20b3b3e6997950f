"""How often the hosts' goodness-of-fit tool rejects right and wrong densities.

    python -m tests.benchmarks.goodness_of_fit_tool

NumPyro's, which Pyro's equals: 100 draws of 50,000 points of the plane, from samplers
of the host and of ours and with densities that are off, in double precision; with the
tool's own survival function and with that of ``peers/goodness_of_fit.py``.
"""

from unittest.mock import patch

import jax
import numpy as np
from numpyro.distributions import (
    Dirichlet,
    MultivariateNormal,
    Normal,
    TransformedDistribution,
    gof,
)
from numpyro.distributions.transforms import StickBreakingTransform

from numpyro_igr import GEM, IGR, IGRStickBreaking
from tests.benchmarks.report_table import TESTS, to_header, to_row, write_table
from tests.peers.goodness_of_fit import survival

NUM_DRAWS, NUM_POINTS, FAILURE_RATE = 100, 50_000, 2e-5
LOC, SCALE = np.array([0.3, -0.6]), np.array([0.8, 1.1])
COLUMNS = ["points of", "density", "rejected by the tool", "rejected if calibrated"]
HEADER = to_header(COLUMNS)


def igr(error=1.0):
    return IGR(0.7, LOC, SCALE * error)


def cases():
    """Names, what to draw from, the distribution of the density, and a factor of it."""
    gaussian = Normal(LOC, SCALE).to_event(1)
    covariance = np.array([[1.0, 0.5], [0.5, 2.0]])
    exact = {
        "`MultivariateNormal`": MultivariateNormal(LOC, covariance),
        "`Dirichlet`": Dirichlet(np.array([2.0, 3.0, 4.0])),
        "logistic normal": TransformedDistribution(gaussian, StickBreakingTransform()),
        "`IGR`": igr(),
        "`IGRStickBreaking`": IGRStickBreaking(0.7, LOC, SCALE),
        "`GEM`": GEM(2.0, 2),
    }
    yield from ((name, "exact", law, law, 1.0) for name, law in exact.items())
    yield "`IGR`", "scale 5 % too large", igr(), igr(1.05), 1.0
    yield "`IGR`", "scale 20 % too large", igr(), igr(1.2), 1.0
    yield "`IGR`", "5 % too high", igr(), igr(), 1.05
    yield "`IGR`", "twice too high", igr(), igr(), 2.0


def fits(sampler, density, factor):
    """The p-values of each draw, by the tool's survival function and by ours."""
    for seed in range(NUM_DRAWS):
        samples = sampler.sample(jax.random.key(seed), (NUM_POINTS,))
        densities = factor * np.exp(density.log_prob(samples))
        yield gof.auto_goodness_of_fit(
            np.asarray(samples)[:, :2], np.asarray(densities)
        )


def rows():
    of_the_tool = gof._chi2sf

    def both(statistic, dof):
        return of_the_tool(statistic, dof), survival(statistic, dof)

    with patch.object(gof, "_chi2sf", both):
        for points, density, *case in cases():
            rejected = (np.array(list(fits(*case))) < FAILURE_RATE).mean(0)
            yield to_row([points, density, *(f"{share:.0%}" for share in rejected)])


def main():
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003
    write_table("goodness of fit", HEADER, rows(), TESTS)


if __name__ == "__main__":
    main()
