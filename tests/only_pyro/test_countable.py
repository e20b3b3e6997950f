"""The countable distributions keep the protocol of a Pyro distribution."""

import pytest
import torch
from pyro_families import LOC, SCALE, K
from pyro_families import fresh_host as fresh_host

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
