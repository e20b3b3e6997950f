"""More sticks while a model trains: the same bound, and the optimizer goes on."""

from importlib import import_module

import numpy as np
import pytest

N, NEW = 2, 3
X = np.array([-2.0, -1.9, 0.1, 2.0, 2.1])
TAIL_LOC, TAIL_SCALE = 0.3, 1.4


@pytest.fixture
def training(backend, host):
    return import_module(backend.__name__.replace("_backend", "_training"))


def zeros_and_ones(host, size=N):
    return host.array(np.zeros(size)), host.array(np.ones(size))


def tail_of(host):
    return host.dist.Normal(host.array(TAIL_LOC), host.array(TAIL_SCALE))


def tail_start(host, size):
    law = host.igr.InfiniteIGR(None, *zeros_and_ones(host), tail=tail_of(host))
    return host.igr.tail_start(law, size)


def pair(host):
    """A mixture whose rest, and all components to come, has the mean 0."""
    tail = {"tail": tail_of(host)}

    def model():
        means = host.param("means", zeros_and_ones(host)[0])
        prior = tail_start(host, len(means))
        law = host.igr.InfiniteIGR(None, *prior, 1.0, **tail)
        weights = host.dist.Categorical(host.sample("weights", law))
        means = host.math.concatenate([means, zeros_and_ones(host, 1)[0]])
        components = host.dist.Normal(means, 0.5)
        with host.plate("data", len(X)):
            mixture = host.dist.MixtureSameFamily(weights, components)
            host.sample("x", mixture, obs=host.array(X))

    def guide():
        loc, scale = zeros_and_ones(host)
        loc = host.param("loc", loc)
        scale = host.param("scale", scale, constraint=host.positive)
        law = host.igr.InfiniteIGR(None, loc, scale, 1.0, **tail)
        host.sample("weights", law)

    return model, guide


def test_growing_keeps_the_bound_and_the_moments_and_training_goes_on(host, training):
    for optimizer in training.OPTIMIZERS.values():
        run = training.Training(*pair(host), optimizer())
        run.step(20)
        loss, before = run.bound(), run.remembered()
        loc, scale = tail_start(host, NEW)
        means = host.array(np.zeros(NEW))
        run.grow({"loc": loc, "scale": host.log(scale), "means": means})
        grown = run.parameters()
        assert grown["loc"].shape == grown["means"].shape == (N + NEW,)
        np.testing.assert_allclose(grown["scale"][N:], TAIL_SCALE, rtol=1e-7)
        assert run.bound() == pytest.approx(loss, rel=1e-12)
        tails = []
        for old, new in zip(before, run.remembered(), strict=True):
            np.testing.assert_array_equal(new[:N] if old.shape else new, old)
            tails += [new[N:]] if old.shape else []
        assert {tail.shape for tail in tails} == {(NEW,)}
        zero = [not tail.any() for tail in tails]
        assert len(zero) == 9
        assert sum(zero) == 6 + 1  # two moments of each, and the start of the means
        run.step(100)
        assert run.bound() < loss
        assert (run.parameters()["means"][N:] != 0).any()


def test_entries_move_with_their_moments_and_sticks_get_new_values(host, training):
    for optimizer in training.OPTIMIZERS.values():
        run = training.Training(*pair(host), optimizer())
        run.step(20)
        old, before = run.parameters(), run.remembered()
        loc, log_scale = np.array([5.0, 6.0]), np.array([0.5, -0.5])
        values = {"means": None, "loc": host.array(loc), "scale": host.array(log_scale)}
        run.reorder([1, 0], values)
        new = run.parameters()
        np.testing.assert_array_equal(new["means"], old["means"][::-1])
        np.testing.assert_allclose(new["loc"], loc)
        np.testing.assert_allclose(new["scale"], np.exp(log_scale))
        pairs = zip(before, run.remembered(), strict=True)
        pairs = [(a, b) for a, b in pairs if a.shape]
        moved = sum(bool((a[::-1] == b).all()) for a, b in pairs)
        assert (moved, len(pairs)) == (1 + 6, 9)  # means, and two moments of each
        run.step(1)


def test_entries_are_left_out_or_split_along_any_dimension(host, training):
    model, guide = pair(host)

    def with_table():
        host.param("table", host.array(np.arange(6.0).reshape(3, 2)))
        guide()

    optimizer, *_ = training.OPTIMIZERS.values()
    run = training.Training(model, with_table, optimizer())
    run.reorder([2, 2, 0, 1], {"table": None}, 0)
    table = run.parameters()["table"]
    assert table.tolist() == [[4, 5], [4, 5], [0, 1], [2, 3]]
    run.reorder(np.array([1]), {"table": None})
    assert run.parameters()["table"].tolist() == [[5], [5], [1], [3]]
