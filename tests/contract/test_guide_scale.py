"""The standard deviations of AutoIGR: the model's, a number, or learned."""

import numpy as np
import pytest
from contexts import innermost

TAU = 0.5
SPREAD = np.array([0.3, 1.0, 2.0], np.float32)
MEANS = np.array([-1.0, 0.0, 1.0, 2.0], np.float32)
X = np.array([0.5, -1.0, 1.5], np.float32)


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


@pytest.fixture
def model(host):
    """A mixture whose prior has its own standard deviation for each Gaussian."""
    prior = host.igr.IGR(TAU, host.array(0 * SPREAD), host.array(SPREAD))

    def mixture():
        with host.plate("data", len(X)):
            z = host.sample("z", prior)
            mean = z @ host.array(MEANS)
            host.sample("x", host.dist.Normal(mean, 1.0), obs=host.array(X))

    return mixture


def scale_at_z(backend, host, guide):
    return backend.numpy(innermost(host, host.sites(guide)["z"]["fn"]).scale)


def test_the_scale_of_the_model_is_held_in_training(backend, host, guides, model):
    guide = host.igr.AutoIGR(model, TAU)
    host.fit(host.igr.TraceDiscreteKL_ELBO(), model, guide, 3, 0.1)  # without a warning
    assert guides.names(guide) == guides.names_of_means("z")
    found = scale_at_z(backend, host, guides.filled(guide, 3.0))
    np.testing.assert_allclose(found, np.tile(SPREAD, (3, 1)))


def test_a_number_is_the_scale_of_all(backend, host, guides, model):
    guide = host.igr.AutoIGR(model, TAU, scale=0.7)
    np.testing.assert_allclose(scale_at_z(backend, host, guide), 0.7)
    assert guides.names(guide) == guides.names_of_means("z")


def test_a_learned_scale_starts_at_the_model_and_is_warned_of(
    backend, host, guides, model
):
    guide = host.igr.AutoIGR(model, TAU, scale="learned")
    found = scale_at_z(backend, host, guide)
    np.testing.assert_allclose(found, np.tile(SPREAD, (3, 1)), rtol=1e-6)
    assert len(guides.names(guide)) == 2
    with pytest.warns(UserWarning, match="scale of the guide at site 'z' is learned"):
        host.fit(host.igr.TraceDiscreteKL_ELBO(), model, guide, 1, 0.1)


@pytest.mark.parametrize("scale", [-1.0, 0.0, "free", [1.0, 2.0], {}, 1j])
def test_another_scale_is_refused_by_name(host, model, scale):
    with pytest.raises(ValueError, match="expected scale to be"):
        host.igr.AutoIGR(model, TAU, scale=scale)


def test_an_array_of_scales_is_refused_and_one_of_a_number_is_not(backend, host, model):
    with pytest.raises(ValueError, match='scale to be a number, "learned" or None'):
        host.igr.AutoIGR(model, TAU, scale=host.array(SPREAD))
    guide = host.igr.AutoIGR(model, TAU, scale=host.array(0.7))
    np.testing.assert_allclose(scale_at_z(backend, host, guide), 0.7, rtol=1e-6)
