"""Our distributions and maps in the test suites of NumPyro; run by ``suites.py``.

Those suites read their tables while they are imported, so ``suites.py`` writes copies
of them that end their tables with what ``tables_of_laws`` and ``tables_of_maps`` say.
"""

import jax
import numpy as np
import pytest
from goodness_of_fit import survival
from numpyro.distributions import gof

import numpyro_igr

FAILURE_RATE = 2e-5  # of Pyro's suite
LOC, SCALE = np.array([0.3, -0.6]), np.array([0.8, 1.1])
LOCS, SCALES = np.array([[0.3, -0.6], [0.5, 0.1]]), np.array([[0.8, 1.1], [1.2, 0.7]])
LOGITS = np.array([[0.3, -0.6, 0.0], [0.5, 0.1, 0.0]])
PLANAR = numpyro_igr.PlanarTransform(0.4 * LOC, SCALE, 0.1)


def tables_of_laws(case):
    """The continuous and the discrete distributions, as cases of the suite."""
    relaxed = [
        numpyro_igr.IGR,
        numpyro_igr.ExpIGR,
        numpyro_igr.IGRStraightThrough,
        numpyro_igr.IGRStickBreaking,
        numpyro_igr.InfiniteIGR,
    ]
    continuous = [case(law, 1.0, LOC, SCALE) for law in relaxed]
    continuous += [case(law, 0.7, LOCS, SCALES) for law in relaxed]
    continuous += [
        case(numpyro_igr.IGRFlow, 0.7, LOCS, SCALES, PLANAR),
        case(numpyro_igr.GEM, np.array([2.0, 3.0]), 2),
        case(numpyro_igr.RelaxedOneHotCategorical, 0.7, None, LOGITS),
        case(numpyro_igr.RelaxedOneHotCategoricalStraightThrough, 0.7, None, LOGITS),
    ]
    logits = np.log([0.2, 0.3, 0.5])
    return continuous, [case(numpyro_igr.OneHotCategorical, None, logits)]


def table_of_maps(case):
    """The maps, as cases of the suite."""
    return {
        "softmax++": case(
            numpyro_igr.SoftmaxPlusPlusTransform, (np.array(0.7), np.array(2.0)), {}
        ),
        "sticks": case(numpyro_igr.StickBreakingTransform, (np.array(0.7),), {}),
    }


BIJECTIONS = {
    "softmax++": (numpyro_igr.SoftmaxPlusPlusTransform(0.7, 2.0), (2,)),
    "sticks": (numpyro_igr.StickBreakingTransform(0.7), (2,)),
    "weights": (numpyro_igr.StickBreakingTransform(0.7, "weights"), (2,)),
}
FITTED = {
    "IGR": numpyro_igr.IGR(0.7, LOCS, SCALES),
    "IGRStickBreaking": numpyro_igr.IGRStickBreaking(0.7, LOCS, SCALES),
    "InfiniteIGR": numpyro_igr.InfiniteIGR(0.7, LOCS, SCALES, 1.0),
    "GEM": numpyro_igr.GEM(np.array([2.0, 3.0]), 2),
    "IGRFlow": numpyro_igr.IGRFlow(0.7, LOCS, SCALES, PLANAR),
    "RelaxedOneHotCategorical": numpyro_igr.RelaxedOneHotCategorical(0.7, None, LOGITS),
}


@pytest.mark.parametrize("law", FITTED.values(), ids=FITTED)
def test_goodness_of_fit_on_all_but_the_last_coordinate(law, monkeypatch):
    monkeypatch.setattr(gof, "_chi2sf", survival)
    samples = law.sample(jax.random.key(0), (50_000,))
    densities = np.exp(law.log_prob(samples))
    for b in range(2):
        points = np.asarray(samples[:, b, :-1])
        fit = gof.auto_goodness_of_fit(points, np.asarray(densities[:, b]))
        assert fit > FAILURE_RATE
