"""The countable distributions keep the protocol of a Pyro distribution."""

import copy
import pickle

import pyro
import pytest
import torch
from pyro.infer import TraceMeanField_ELBO
from pyro_families import LOC, SCALE, K
from pyro_families import fresh_host as fresh_host
from torch.distributions import kl_divergence
from torch.distributions.constraints import positive

from pyro_igr import GEM, InfiniteIGR, assert_analytic_kl

ALPHA = torch.tensor(2.0)
LAWS = {
    "gem": lambda: GEM(ALPHA.clone(), K - 1),
    "gem_tail": lambda: InfiniteIGR(0.5, LOC, SCALE, 1.0, tail=GEM(ALPHA.clone(), 1)),
}
COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda law: pickle.loads(pickle.dumps(law)),
}
every_family = pytest.mark.parametrize("make", LAWS.values(), ids=LAWS)


@every_family
def test_expand_keeps_the_type_the_density_and_the_kl(make):
    law, prior = make(), GEM(ALPHA.clone(), K - 1)
    wide = law.expand([5, 2])
    assert type(wide) is type(law)
    assert wide.batch_shape == (5, 2)
    assert wide.event_shape == (K,)
    value = wide.rsample()
    assert value.shape == (5, 2, K)
    torch.testing.assert_close(wide.log_prob(value), law.log_prob(value))
    if isinstance(law, InfiniteIGR):
        expected = kl_divergence(law, prior).expand(5, 2)
        torch.testing.assert_close(kl_divergence(wide, prior.expand([2])), expected)


@every_family
@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_distribution_can_be_copied(make, duplicate):
    law = make()
    copied, value = duplicate(law), law.rsample()
    assert type(copied) is type(law)
    torch.testing.assert_close(copied.log_prob(value), law.log_prob(value))


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


def model(x):
    alpha = pyro.param("alpha", ALPHA.clone, constraint=positive)
    with pyro.plate("data", len(x)):
        pyro.sample("weights", GEM(alpha, K - 1))


def guide(x):
    alpha = pyro.param("alpha", ALPHA.clone, constraint=positive)
    loc = pyro.param("loc", LOC.clone)
    with pyro.plate("data", len(x)):
        pyro.sample("weights", InfiniteIGR(None, loc, SCALE, 0.9, tail=GEM(alpha, 1)))


def test_the_mean_field_elbo_has_the_analytic_kl_of_truncated_weights():
    x = torch.zeros(7)
    assert_analytic_kl(model, guide, x)
    losses = [TraceMeanField_ELBO().loss(model, guide, x) for _ in range(3)]
    law = InfiniteIGR(None, LOC, SCALE, 0.9, tail=GEM(ALPHA.clone(), 1))
    expected = 7 * kl_divergence(law, GEM(ALPHA.clone(), 1)).item()
    assert losses[0] == losses[1] == losses[2]
    assert losses[0] == pytest.approx(expected, rel=1e-6)
    loss = TraceMeanField_ELBO().differentiable_loss(model, guide, x)
    loss.backward()
    for name in ("alpha", "loc"):
        gradient = pyro.get_param_store()[name].unconstrained().grad
        assert gradient.isfinite().all()
        assert (gradient != 0).all()


def test_breaking_the_rest_under_vmap():
    law = InfiniteIGR(None, LOC, SCALE, 1.0)
    value = law.sample((5,))
    found = torch.func.vmap(lambda z: law.break_rest(z, 2), randomness="different")(
        value
    )
    assert found.shape == (5, K + 2)
    torch.testing.assert_close(found[:, : K - 1], value[:, :-1])
    torch.testing.assert_close(found.sum(-1), torch.ones(5))
