"""Our laws and maps in the test suites of Pyro; run by ``suites.py``."""

import inspect

import pyro
import pytest
import torch
from tests.distributions import test_distributions, test_pickle, test_transforms
from tests.distributions.dist_fixture import Fixture

import pyro_igr

LOC, SCALE = [0.3, -0.6], [0.8, 1.1]
VALUE = [0.3, 0.2, 0.5]
GAUSSIAN = {"temperature": 0.7, "loc": LOC, "scale": SCALE, "test_data": VALUE}
BATCH = {"loc": [LOC, SCALE], "scale": [SCALE, SCALE], "test_data": [VALUE, VALUE]}
LAWS = {
    pyro_igr.IGR: GAUSSIAN,
    pyro_igr.IGRStickBreaking: GAUSSIAN,
    pyro_igr.InfiniteIGR: GAUSSIAN | {"rho": 1.0},
}


# The suite knows by its name that a law has a density of all but one coordinate.
def _named_for_the_suite(law):
    return type(f"{law.__name__}LikeDirichlet", (law,), {})


FIXTURES = [
    Fixture(pyro_dist=_named_for_the_suite(law), examples=[dict(one), one | BATCH])
    for law, one in LAWS.items()
]


@pytest.fixture(autouse=True)
def _seed():
    pyro.set_rng_seed(0)


@pytest.fixture(name="dist", params=FIXTURES, ids=repr)
def _dist(request):
    return request.param


@pytest.fixture(name="continuous_dist", params=FIXTURES, ids=repr)
def _continuous_dist(request):
    return request.param


globals().update(
    {
        name: test
        for name, test in vars(test_distributions).items()
        if name.startswith("test_")
        if {"dist", "continuous_dist"} & set(inspect.signature(test).parameters)
    }
)


PICKLED = {
    pyro_igr.IGR: [0.7, torch.zeros(2), torch.ones(2)],
    pyro_igr.ExpIGR: [0.7, torch.zeros(2), torch.ones(2)],
    pyro_igr.IGRStraightThrough: [0.7, torch.zeros(2), torch.ones(2)],
    pyro_igr.IGRStickBreaking: [0.7, torch.zeros(2), torch.ones(2)],
    pyro_igr.InfiniteIGR: [0.7, torch.zeros(2), torch.ones(2)],
    pyro_igr.GEM: [2.0, 3],
}


@pytest.mark.parametrize("law", PICKLED)
def test_pickle_suite(law, monkeypatch):
    monkeypatch.setitem(test_pickle.ARGS, law, PICKLED[law])
    test_pickle.test_pickle(law)


MAPS = {
    "softmax++": pyro_igr.SoftmaxPlusPlusTransform(0.7, 2.0),
    "sticks": pyro_igr.StickBreakingTransform(0.7),
    "weights": pyro_igr.StickBreakingTransform(0.7, "weights"),
}
every_map = pytest.mark.parametrize("transform", MAPS.values(), ids=MAPS)


@pytest.fixture
def suite():
    suite = test_transforms.TransformTests()
    suite.setUp()
    return suite


@every_map
def test_jacobian_suite(suite, transform):
    for size in 2, 5:
        suite._test_jacobian(size, transform)


@every_map
def test_inverse_suite(suite, transform):
    for shape in [2], [3, 5]:
        suite._test_inverse(shape, transform)
