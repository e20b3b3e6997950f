"""The countable families keep the protocol of the host's distributions."""

import copy
import pickle
from importlib import import_module

import numpy as np
import pytest

LOC, SCALE = np.array([0.3, -0.6, 0.9]), np.array([0.8, 1.1, 0.6])
K, N, ALPHA = 4, 7, 2.0
COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda law: pickle.loads(pickle.dumps(law)),
}
every_family = pytest.mark.parametrize("name", ["gem", "gem_tail"])


@pytest.fixture
def host(backend):
    with backend.validation(True):
        yield import_module(backend.__name__.replace("_backend", "_engines"))


def gem(backend, num_sticks=K - 1):
    return backend.igr.GEM(backend.array(ALPHA), num_sticks)


def make(backend, name):
    if name == "gem":
        return gem(backend)
    loc, scale = backend.array(LOC), backend.array(SCALE)
    return backend.igr.InfiniteIGR(0.5, loc, scale, 1.0, tail=gem(backend, 1))


@every_family
def test_expand_broadcasts_the_density_and_the_kl(backend, name):
    law, prior = make(backend, name), gem(backend)
    wide = law.expand((5, 2))
    assert wide.batch_shape == (5, 2)
    assert wide.event_shape == (K,)
    value = backend.sample(wide, 0)
    assert value.shape == (5, 2, K)
    found, expected = (backend.numpy(x.log_prob(value)) for x in (wide, law))
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    if name == "gem_tail":
        found = backend.numpy(backend.kl(wide, prior.expand((2,))))
        expected = np.full((5, 2), backend.numpy(backend.kl(law, prior)))
        np.testing.assert_allclose(found, expected, rtol=1e-7)


@every_family
@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_distribution_can_be_copied(backend, name, duplicate):
    law = make(backend, name)
    copied, value = duplicate(law), backend.sample(law, 0, (5,))
    assert type(copied) is type(law)
    found, expected = (backend.numpy(x.log_prob(value)) for x in (copied, law))
    np.testing.assert_array_equal(found, expected)


def weights(host, *, is_model):
    alpha = host.param("alpha", host.array(ALPHA), constraint=host.positive)
    if is_model:
        return host.igr.GEM(alpha, K - 1)
    loc, tail = host.param("loc", host.array(LOC)), host.igr.GEM(alpha, 1)
    return host.igr.InfiniteIGR(None, loc, host.array(SCALE), 0.9, tail=tail)


def test_the_mean_field_elbo_has_the_analytic_kl_of_truncated_weights(backend, host):
    def program(*, is_model):
        law = weights(host, is_model=is_model)
        with host.plate("data", N):
            host.sample("weights", law)

    def model():
        program(is_model=True)

    def guide():
        program(is_model=False)

    host.start(guide)
    backend.igr.assert_analytic_kl(model, guide)
    losses = host.losses(host.MEAN_FIELD, model, guide, vectorized=False)
    tail = gem(backend, 1)
    gaussians = backend.array(LOC), backend.array(SCALE)
    law = backend.igr.InfiniteIGR(None, *gaussians, 0.9, tail=tail)
    assert (losses == losses[0]).all()
    expected = N * float(backend.kl(law, tail))
    assert losses[0] == pytest.approx(expected, rel=1e-6)
    trained = host.train(host.MEAN_FIELD(), model, guide, 1)(guide)
    for name, start in ("alpha", ALPHA), ("loc", LOC):
        moved = backend.numpy(host.sites(trained)[name]["value"])
        assert np.isfinite(moved).all()
        assert (moved != start).all()
