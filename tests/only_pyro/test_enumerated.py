"""Joint values, or samples, in a dimension of their own."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro_families import fresh_host as fresh_host

from pyro_igr import TraceEnumeratedDiscrete_ELBO, TraceUnorderedSet_ELBO

ENGINES = {
    "all values": TraceEnumeratedDiscrete_ELBO,
    "a set": lambda: TraceUnorderedSet_ELBO(2),
    "samples": lambda: TraceUnorderedSet_ELBO(4, replacement=True),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_program_that_does_not_keep_dimensions_is_refused(engine):
    def guide():
        return pyro.sample("s", dist.OneHotCategorical(torch.ones(2)))

    def model():
        s = guide()[..., 0, None, None]
        with pyro.plate("data", 3):
            z = pyro.sample("z", dist.Normal(0.0, 1.0).expand([3]))
            pyro.sample("x", dist.Normal(z + s, 1.0), obs=torch.zeros(3))

    def with_z():
        guide()
        with pyro.plate("data", 3):
            pyro.sample("z", dist.Normal(0.0, 1.0).expand([3]))

    with pytest.raises(
        ValueError, match="site 'x' has more dimensions than its plates"
    ):
        ENGINES[engine]().loss(model, with_z)
