"""Samples fall where the density says, and a scale that is off by 5 % is noticed.

So are a temperature that is off by 5 % and a concentration that is by 10 %.
"""

import numpy as np
import pytest
from cases import LAWS
from scipy.stats import chisquare

LOC, SCALE = np.array([0.3, -0.6]), np.array([0.8, 1.1])
LOGITS = np.log([0.5, 0.2, 0.3])
NUM_SAMPLES, NUM_BINS, NODES_A_BIN = 20_000, 10, 30


def make_flow(igr, temperature, loc, scale):
    flow = igr.PlanarTransform(0.5 * loc, scale, 0.3)
    return igr.IGRFlow(temperature, loc, scale, flow)


# Whose temperature or concentration grows with the scale.
def relaxed(backend, scale):
    has_own = hasattr(backend.igr, "RelaxedOneHotCategorical")
    family = (backend.igr if has_own else backend.dist).RelaxedOneHotCategorical
    return family(backend.array(scale[1]), logits=backend.array(LOGITS))


def exp_relaxed(backend, scale):
    family = backend.igr.ExpRelaxedOneHotCategorical
    return family(scale[1], logits=backend.array(LOGITS))


def gem(backend, scale):
    return backend.igr.GEM(3 * scale.prod(), num_sticks=2)


FITTED = {name: LAWS[name] for name in LAWS if name != "straight_through"}
FITTED["flow"] = make_flow
OTHERS = {"relaxed": relaxed, "exp_relaxed": exp_relaxed, "gem": gem}


def make(backend, name, scale):
    if name in OTHERS:
        return OTHERS[name](backend, scale)
    return FITTED[name](backend.igr, 0.8, *map(backend.array, (LOC, scale)))


def shares(backend, name, scale):
    """A distribution, and the shares of bins even in broken sticks, by quadrature."""
    law, array = make(backend, name, scale), backend.array
    size = NUM_BINS * NODES_A_BIN
    nodes = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(nodes, nodes, indexing="ij")
    value = np.stack([u, (1 - u) * v, (1 - u) * (1 - v)], -1)
    areas = (1 - u) / size**2
    if name.startswith("exp_"):
        value, areas = np.log(value), areas / value.prod(-1)
    inside = backend.numpy(law.support.check(array(value)))
    log_prob = backend.numpy(law.log_prob(array(value[inside])))
    mass = np.zeros_like(areas)
    mass[inside] = areas[inside] * np.exp(log_prob)
    blocks = mass.reshape(NUM_BINS, NODES_A_BIN, NUM_BINS, NODES_A_BIN)
    return law, blocks.sum((1, 3))


def count(z):
    """The samples in each bin."""
    u, v = z[:, 0], z[:, 1] / (1 - z[:, 0])
    return np.histogram2d(u, v, NUM_BINS, [(0, 1), (0, 1)])[0]


def p_value(counted, probs):
    """Of Pearson's test; a bin of few expected samples is added to the fullest one."""
    expected = probs.ravel() / probs.sum() * counted.sum()
    bins = np.where(expected > 20, np.arange(expected.size), expected.argmax())
    bins = np.unique(bins, return_inverse=True)[1]
    sums = (np.bincount(bins, x.ravel()) for x in (counted, expected))
    return chisquare(*sums).pvalue


@pytest.mark.parametrize("name", FITTED | OTHERS)
def test_samples_fall_where_the_density_says_and_no_other_one(backend, name):
    law, probs = shares(backend, name, SCALE)
    assert probs.sum() == pytest.approx(1, abs=1e-3)
    samples = backend.numpy(backend.sample(law, 0, (NUM_SAMPLES,)))
    counted = count(np.exp(samples) if name.startswith("exp_") else samples)
    assert p_value(counted, probs) > 1e-4
    _, wrong = shares(backend, name, 1.05 * SCALE)
    assert p_value(counted, wrong) < 1e-6
