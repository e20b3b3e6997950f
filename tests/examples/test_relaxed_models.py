"""The exact posteriors of the table of relaxed models, by other ways than there."""

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("numpyro")

from numpyro_igr import discretize, relax  # noqa: E402
from tests.benchmarks import relaxed_models  # noqa: E402


def posterior(name):
    discrete = discretize(relax(relaxed_models.MODELS[name], 0.1))
    return relaxed_models.exact_posterior(name, discrete)


@pytest.mark.parametrize(
    ("name", "law", "observed"),
    [
        ("Poisson count", stats.poisson(4.0), 6.0),
        ("geometric count", stats.geom(0.3, loc=-1), 3.0),
    ],
)
def test_the_posterior_of_a_count_is_that_of_its_law_and_measurement(
    name, law, observed
):
    (found,) = posterior(name)
    counts = np.arange(len(found) + 40)
    joint = law.pmf(counts) * stats.norm(counts, 1.5).pdf(observed)
    expected = joint / joint.sum()
    np.testing.assert_allclose(found[:-1], expected[: len(found) - 1], atol=1e-4)


def test_the_posterior_of_the_network_agrees_with_the_sum_of_its_tables():
    first, (second, third) = np.array([0.5, 0.3, 0.2]), relaxed_models.ROWS
    means = np.eye(3)[0][:, None] + np.array([-1.0, 0.5, 2.0])
    likelihood = stats.norm(means, 0.7).pdf(1.0)
    joint = np.einsum("x,xy,yz,xz->xyz", first, second, third, likelihood)
    joint /= joint.sum()
    expected = [joint.sum((1, 2)), joint.sum((0, 2)), joint.sum((0, 1))]
    np.testing.assert_allclose(posterior("Bayesian network"), expected, atol=1e-5)
