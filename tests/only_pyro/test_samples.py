"""Chunks of samples in a dimension of their own."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro_families import fresh_host as fresh_host

from pyro_igr import log_weights


def guide():
    with pyro.plate("data", 2):
        pyro.sample("z", dist.OneHotCategorical(torch.ones(2)))


def mixing():
    """The mean is over whatever dimension comes first."""
    with pyro.plate("data", 2):
        z = pyro.sample("z", dist.OneHotCategorical(torch.ones(2)))
        mean = z[..., 0] + z.mean(0)[..., 0]
        pyro.sample("x", dist.Normal(mean, 1.0), obs=torch.zeros(2))


def test_a_program_that_mixes_samples_is_refused_but_one_by_one():
    with pytest.raises(ValueError, match="chunk_size=1 runs them one by one"):
        log_weights(mixing, guide, num_samples=20)
    assert log_weights(mixing, guide, num_samples=20, chunk_size=1).shape == (20, 2)


def test_a_program_that_fails_among_samples_says_how_they_are_run():
    def of_two_dimensions():
        with pyro.plate("data", 2):
            z = pyro.sample("z", dist.OneHotCategorical(torch.ones(2)))
            mean = z.permute(1, 0)[0]
            pyro.sample("x", dist.Normal(mean, 1.0), obs=torch.zeros(2))

    with pytest.raises(RuntimeError) as error:
        log_weights(of_two_dimensions, guide, num_samples=5)
    assert "chunk_size=1" in error.value.__notes__[0]
    found = log_weights(of_two_dimensions, guide, num_samples=5, chunk_size=1)
    assert found.shape == (5, 2)


def test_a_sequential_plate_makes_no_data():
    def model():
        for i in pyro.plate("data", 2):
            z = pyro.sample(f"z{i}", dist.OneHotCategorical(torch.ones(2)))
            pyro.sample(f"x{i}", dist.Normal(z[..., 0], 1.0), obs=torch.zeros(()))

    def guide():
        for i in pyro.plate("data", 2):
            pyro.sample(f"z{i}", dist.OneHotCategorical(torch.ones(2)))

    assert log_weights(model, guide, num_samples=5).shape == (5,)


def test_a_subsampled_loop_over_a_plate_is_refused():
    def loop(size):
        z = pyro.sample("z", dist.OneHotCategorical(torch.ones(2)))
        for i in pyro.plate("data", 4, size):
            pyro.factor(f"x_{i}", z[..., 0] - 1.0)

    def of_z():
        pyro.sample("z", dist.OneHotCategorical(torch.tensor([1.0, 0.0])))

    expected = torch.full((2,), -torch.tensor(2.0).log().item())
    found = log_weights(lambda: loop(None), of_z, num_samples=2)
    torch.testing.assert_close(found, expected)
    with pytest.raises(ValueError, match=r"plate 'data' of site 'x_\d' is subsampled"):
        log_weights(lambda: loop(2), of_z, num_samples=2)
