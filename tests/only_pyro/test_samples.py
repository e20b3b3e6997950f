"""Chunks of samples in a dimension of their own."""

from functools import partial

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro_families import fresh_host as fresh_host

from pyro_igr import log_weights, lookup


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
    match = "site 'x' has another density beside .* chunk_size=1 runs samples one by"
    with pytest.raises(ValueError, match=match):
        log_weights(mixing, guide, num_samples=20)
    assert log_weights(mixing, guide, num_samples=20, chunk_size=1).shape == (20, 2)


@pytest.mark.parametrize("chunk_size", [1, 5])
@pytest.mark.parametrize("site", ["x", "z"])
def test_dropout_is_refused_by_its_name_until_it_is_off(site, chunk_size):
    dropout = torch.nn.Dropout(0.5)
    layers = {"x": lambda y: y, "z": lambda y: y} | {site: dropout}

    def model():
        with pyro.plate("data", 20):
            z = pyro.sample("z", dist.OneHotCategorical(torch.ones(2)))
            mean = layers["x"](1 + z)[..., 0]
            pyro.sample("x", dist.Normal(mean, 1.0), obs=torch.zeros(20))

    def guide():
        with pyro.plate("data", 20):
            logits = layers["z"](torch.tensor([1.0, 2.0]).expand(20, 2))
            pyro.sample("z", dist.OneHotCategorical(logits=logits))

    options = {"num_samples": 10, "chunk_size": chunk_size}
    match = f"site '{site}' has another density in each run .* dropout in the mode of"
    with pytest.raises(ValueError, match=match):
        log_weights(model, guide, **options)
    dropout.eval()
    assert log_weights(model, guide, **options).shape == (10, 20)


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


def test_rows_in_a_plate_are_refused_among_samples_unless_in_its_dimension():
    rates = torch.tensor([[4.0, 4.0, 1.0], [4.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    counts = torch.tensor([5.0, 4.0, 1.0])

    def pair(chosen):
        def change():
            return pyro.sample("z", dist.OneHotCategorical(torch.ones(3)))

        def model():
            rate = chosen(change())
            with pyro.plate("times", 3):
                pyro.sample("x", dist.Poisson(rate), obs=counts)

        return model, change

    def weights(chosen, size):
        options = {"num_samples": 20, "chunk_size": size, "plate": ()}
        return log_weights(*pair(chosen), **options)

    looked_up = partial(lookup, rates)
    with pytest.raises(ValueError, match="site 'x' has more dim.* chunk_size=1 runs"):
        weights(looked_up, 5)
    of_rows = dist.Poisson(rates).log_prob(counts).sum(-1)
    for chosen, size in ((looked_up, 1), (lambda z: (z * rates.T).sum(-1), 5)):
        off = (weights(chosen, size)[:, None] - of_rows).abs()
        assert off.min(-1).values.max() < 1e-5


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
