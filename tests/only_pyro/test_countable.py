"""The countable distributions keep the protocol of a Pyro distribution."""

import numpy as np
import pyro.distributions as dist
import pytest
import torch
from pyro_families import LOC, SCALE, K
from pyro_families import fresh_host as fresh_host
from scipy import stats

from pyro_igr import GEM, InfiniteIGR

ALPHA = torch.tensor(2.0)
LAWS = {
    "gem": lambda: GEM(ALPHA.clone(), K - 1),
    "gem_tail": lambda: InfiniteIGR(0.5, LOC, SCALE, 1.0, tail=GEM(ALPHA.clone(), 1)),
}
every_family = pytest.mark.parametrize("make", LAWS.values(), ids=LAWS)


@every_family
def test_expand_keeps_the_type(make):
    law = make()
    assert type(law.expand([5, 2])) is type(law)


@every_family
def test_vmap_of_sampling_and_of_the_density(make):
    law = make()
    values = torch.func.vmap(lambda _: law.rsample(), randomness="different")(
        torch.zeros(5)
    )
    assert len(values[:, 0].unique()) == 5
    found = torch.func.vmap(law.log_prob)(values)
    torch.testing.assert_close(found, law.log_prob(values))


@every_family
def test_a_value_off_the_simplex_is_refused(make):
    law = make()
    with pytest.raises(ValueError, match="to be within the support"):
        law.log_prob(law.sample() + 0.1)


def test_breaking_the_rest_under_vmap():
    law = InfiniteIGR(None, LOC, SCALE, 1.0)
    value = law.sample((5,))
    found = torch.func.vmap(lambda z: law.break_rest(z, 2), randomness="different")(
        value
    )
    assert found.shape == (5, K + 2)
    torch.testing.assert_close(found[:, : K - 1], value[:, :-1])
    torch.testing.assert_close(found.sum(-1), torch.ones(5))


def test_a_mixture_of_bounded_counts_has_the_bound_of_its_components():
    parts = dist.Binomial(3, torch.tensor([0.2, 0.6]))
    law = dist.MixtureSameFamily(dist.Categorical(torch.tensor([0.25, 0.75])), parts)
    k = np.arange(4)
    expected = 0.25 * stats.binom(3, 0.2).pmf(k) + 0.75 * stats.binom(3, 0.6).pmf(k)
    probs = InfiniteIGR.from_discrete(0.5, law).probs
    np.testing.assert_allclose(probs.numpy(), expected, atol=1e-6)
