"""Our distributions and maps in the test suites of Pyro; run by ``suites.py``."""

import inspect
from types import SimpleNamespace

import numpy as np
import pyro
import pytest
import torch
from goodness_of_fit import survival
from pyro.distributions.testing import gof
from tests.distributions import (
    test_distributions,
    test_kl,
    test_mask,
    test_pickle,
    test_transforms,
)
from tests.distributions.dist_fixture import Fixture

import pyro_igr

LOC, SCALE = [0.3, -0.6], [0.8, 1.1]
VALUE = [0.3, 0.2, 0.5]
PLANAR = pyro_igr.PlanarTransform(0.4 * torch.tensor(LOC), torch.tensor(SCALE), 0.1)


def _gaussian(value=VALUE, **others):
    """A distribution of Gaussians and a batch of two, each with a value."""
    one = {"temperature": 0.7, "loc": LOC, "scale": SCALE, "test_data": value}
    two = {"loc": [LOC, SCALE], "scale": [SCALE, SCALE], "test_data": [value, value]}
    return [one | others, one | two | others]


EXAMPLES = {
    pyro_igr.IGR: _gaussian(),
    pyro_igr.ExpIGR: _gaussian(np.log(VALUE).tolist()),
    pyro_igr.IGRStraightThrough: _gaussian(),
    pyro_igr.IGRStickBreaking: _gaussian(),
    pyro_igr.IGRFlow: _gaussian(flow=PLANAR),
    pyro_igr.InfiniteIGR: _gaussian(rho=1.0),
    pyro_igr.GEM: [
        {"concentration": 2.0, "num_sticks": 2, "test_data": VALUE},
        {"concentration": [2.0, 3.0], "num_sticks": 2, "test_data": [VALUE, VALUE]},
    ],
}
SKIPPED = {
    ("ExpIGR", "test_gof"): "its density is that of log-ratios",
    ("IGRStraightThrough", "test_gof"): "its samples have no density",
    ("IGRStraightThrough", "test_mask_type_suite"): "its samples have no density",
    ("GEM", "test_infer_shapes"): "no shape tells the number of sticks",
}


# The suite knows by its name that a distribution has a density of all but one
# coordinate.
def _named_for_the_suite(law):
    return type(f"{law.__name__}LikeDirichlet", (law,), {})


FIXTURES = [
    Fixture(pyro_dist=_named_for_the_suite(law), examples=examples)
    for law, examples in EXAMPLES.items()
]


@pytest.fixture(autouse=True)
def _seeded_and_calibrated(monkeypatch):
    pyro.set_rng_seed(0)
    monkeypatch.setattr(gof, "chi2sf", survival)


def _skip_where_it_does_not_apply(law, request):
    reason = SKIPPED.get((law.__name__, request.function.__name__))
    if reason is not None:
        pytest.skip(f"{law.__name__}: {reason}")


@pytest.fixture(name="dist", params=FIXTURES, ids=repr)
def _dist(request):
    _skip_where_it_does_not_apply(request.param.pyro_dist.__base__, request)
    return request.param


@pytest.fixture(name="continuous_dist", params=FIXTURES, ids=repr)
def _continuous_dist(request):
    _skip_where_it_does_not_apply(request.param.pyro_dist.__base__, request)
    return request.param


globals().update(
    {
        name: test
        for name, test in vars(test_distributions).items()
        if name.startswith("test_")
        if {"dist", "continuous_dist"} & set(inspect.signature(test).parameters)
    }
)


PICKLED = {law: [0.7, torch.zeros(2), torch.ones(2)] for law in EXAMPLES}
PICKLED[pyro_igr.IGRFlow].append(PLANAR)
PICKLED[pyro_igr.GEM] = [2.0, 3]


@pytest.mark.parametrize("law", PICKLED)
def test_pickle_suite(law, monkeypatch):
    monkeypatch.setitem(test_pickle.ARGS, law, PICKLED[law])
    test_pickle.test_pickle(law)


# In the tests of masks and of KLs, which are about Normal, a distribution takes its
# place. It has the batch shape of that one; these tests fold batch dimensions into the
# event.
IN_PLACE_OF_NORMAL = {
    law: {"flow": PLANAR} if law is pyro_igr.IGRFlow else {}
    for law in EXAMPLES
    if law is not pyro_igr.GEM
}
every_gaussian = pytest.mark.parametrize("law", IN_PLACE_OF_NORMAL)
MASKS = [False, True, torch.tensor(False), torch.tensor(True)]


def _in_place_of_normal(law):
    def make(loc, scale):
        loc, scale = torch.as_tensor(loc), torch.as_tensor(scale)
        pair = [torch.stack([x, x], -1).float() for x in (loc, scale)]
        return law(0.7, *pair, **IN_PLACE_OF_NORMAL[law])

    return make


@every_gaussian
@pytest.mark.parametrize("mask", MASKS)
def test_mask_type_suite(law, mask, monkeypatch, request):
    _skip_where_it_does_not_apply(law, request)
    monkeypatch.setattr(test_mask, "Normal", _in_place_of_normal(law))
    test_mask.test_mask_type(mask)


@every_gaussian
def test_mask_kl_divergence_suite(law, monkeypatch):
    monkeypatch.setattr(test_mask, "Normal", _in_place_of_normal(law))
    test_mask.test_kl_divergence()


@every_gaussian
@pytest.mark.parametrize("p_mask", MASKS)
@pytest.mark.parametrize("q_mask", MASKS)
def test_mask_kl_divergence_type_suite(law, p_mask, q_mask, monkeypatch):
    monkeypatch.setattr(test_mask, "Normal", _in_place_of_normal(law))
    test_mask.test_kl_divergence_type(p_mask, q_mask)


@every_gaussian
@pytest.mark.parametrize("batch_shape", [(), (4,), (2, 3)], ids=str)
@pytest.mark.parametrize("event_shape", [(), (4,), (2, 3)], ids=str)
def test_kl_independent_suite(law, batch_shape, event_shape, monkeypatch):
    host = test_kl.dist
    ours = SimpleNamespace(
        Normal=_in_place_of_normal(law), Independent=host.Independent
    )
    monkeypatch.setattr(test_kl, "dist", ours)
    test_kl.test_kl_independent_normal(batch_shape, event_shape)


MAPS = {
    "softmax++": pyro_igr.SoftmaxPlusPlusTransform(0.7, 2.0),
    "sticks": pyro_igr.StickBreakingTransform(0.7),
    "weights": pyro_igr.StickBreakingTransform(0.7, "weights"),
}
every_map = pytest.mark.parametrize("transform", MAPS.values(), ids=MAPS)


@every_map
@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("event_dim", [0, 1])
def test_kl_transformed_suite(shape, event_dim, transform):
    test_kl.test_kl_transformed_transformed(shape, event_dim, transform)


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
