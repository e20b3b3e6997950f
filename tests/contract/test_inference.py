"""Predictive, reparameterizers and autoguides with distributions inside."""

import numpy as np
import pytest
from cases import LAWS

K = 4
X = np.array([[0.1, 0.2, 0.6, 0.1], [0.5, 0.2, 0.2, 0.1]], np.float32)
LOC, SCALE = (np.array(x, np.float32) for x in ([0.3, -0.6, 0.9], [0.8, 1.1, 0.6]))
every_family = pytest.mark.parametrize("name", LAWS)
every_density = pytest.mark.parametrize(
    "name", [n for n in LAWS if n[:8] != "straight"]
)


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


def make(host, name, loc=None):
    """The distribution of this name in the table of cases."""
    loc = host.array(LOC) if loc is None else loc
    return LAWS[name](host.igr, 0.5, loc, host.array(SCALE))


def model_of(host, name):
    def model(x=X):
        with host.plate("data", len(X)):
            z = host.sample("z", make(host, name))
            z = host.exp(z) if name == "exp_igr" else z
            x = None if x is None else host.array(x)
            host.sample("x", host.dist.Normal(z, 0.3).to_event(1), obs=x)

    return model


def guide_of(host, name):
    def guide(x=None):
        loc = host.param("loc", host.array(np.tile(LOC, (len(X), 1))))
        with host.plate("data", len(X)):
            host.sample("z", make(host, name, loc=loc))

    return guide


@every_family
def test_predictive_draws_latents_and_data(backend, host, name):
    start = {"loc": np.tile(LOC, (len(X), 1))}
    pair = model_of(host, name), guide_of(host, name)
    for found in host.predictions(*pair, start, 3):  # in turn, and in parallel
        assert found["z"].shape == found["x"].shape == (3, len(X), K)
        assert backend.is_supported(make(host, name), found["z"])


@every_density
def test_biject_to_reaches_the_support_and_comes_back(backend, host, name):
    law = make(host, name).expand([2])
    to_support = backend.biject_to(law.support)
    x = np.random.default_rng(0).normal(size=(2, K - 1)).astype(np.float32)
    value = to_support(host.array(x))
    assert backend.is_supported(law, value)
    np.testing.assert_allclose(to_support.inv(value), x, rtol=1e-3, atol=1e-3)


@every_family
def test_transform_reparam_leaves_the_distribution_as_it_was(host, name):
    def model():
        with host.plate("data", 1000):
            host.sample("z", make(host, name))

    sites = host.sites(host.reparam(model, {"z": host.TransformReparam()}))
    assert sites["z_base"]["fn"].event_shape == (K - 1,)
    (transform,) = make(host, name).transforms
    expected = transform(sites["z_base"]["value"])
    np.testing.assert_allclose(sites["z"]["value"], expected, rtol=1e-5, atol=1e-7)


SHAPES_OF_SUPPORT = [
    "igr",
    "exp_igr",
    "stick_breaking_softmax++",
    "stick_breaking_vertex",
]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("AutoNormal", name) for name in SHAPES_OF_SUPPORT),
        ("AutoMultivariateNormal", "stick_breaking_softmax++"),
        ("AutoDelta", "stick_breaking_softmax++"),
    ],
)
def test_autoguides_train_on_a_latent_of_the_family(host, kind, name):
    model = model_of(host, name)
    losses, *_ = host.fit(host.TRACE(), model, host.GUIDES[kind](model), 60, 0.02)
    assert np.isfinite(losses).all()
    assert losses[-20:].mean() < losses[:20].mean()
