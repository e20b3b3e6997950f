"""The distributions keep the protocol of a Pyro distribution."""

import copy
import pickle

import pyro
import pytest
import torch
from pyro_families import LOC, SCALE, K, every_family, make
from pyro_families import fresh_host as fresh_host

import pyro_igr


class Renamed(pyro_igr.IGR):
    """What a user derives from a law."""


class RenamedStickBreaking(pyro_igr.IGRStickBreaking):
    """What a user derives from a distribution with an option."""


SUBCLASSES = {
    "igr": lambda: Renamed(0.5, LOC, SCALE, 2.0),
    "weights": lambda: RenamedStickBreaking(0.5, LOC, SCALE, tempering="weights"),
}


def parameters(law):
    return {name: getattr(law, name) for name in law.arg_constraints}


@every_family
def test_expand_keeps_type_parameters_and_density(name):
    law = make(name)
    wide = law.expand([5, 2])
    assert type(wide) is type(law)
    assert wide.batch_shape == (5, 2)
    assert wide.event_shape == (K,)
    for key, value in parameters(law).items():
        expected = value.expand((5, 2, *value.shape))
        torch.testing.assert_close(getattr(wide, key), expected, rtol=0, atol=0)
    value = law.rsample((5, 2)).detach()
    torch.testing.assert_close(wide.log_prob(value), law.log_prob(value))


@pytest.mark.parametrize("make_law", SUBCLASSES.values(), ids=SUBCLASSES.keys())
def test_expand_keeps_the_subclass_of_a_user(make_law):
    law = make_law()
    wide = law.expand([5]).expand([2, 5])
    assert type(wide) is type(law)
    assert getattr(wide, "tempering", None) == getattr(law, "tempering", None)
    assert torch.distributions.kl_divergence(wide, law).abs().max() == 0


@every_family
def test_a_plate_expands_without_losing_the_type(name):
    def model():
        with pyro.plate("outer", 3, dim=-2), pyro.plate("inner", 5, dim=-1):
            return pyro.sample("z", make(name))

    site = pyro.poutine.trace(model).get_trace().nodes["z"]
    assert type(site["fn"]) is type(make(name))
    assert site["fn"].batch_shape == (3, 5)
    assert site["value"].shape == (3, 5, K)


@every_family
def test_expand_by_adds_dimensions_on_the_left(name):
    law = make(name, loc=LOC.expand(2, K - 1))
    assert law.expand_by([3]).batch_shape == (3, 2)
    assert type(law.expand_by([3])) is type(law)


@every_family
def test_has_rsample_can_be_switched_off(name):
    loc = LOC.clone().requires_grad_()
    law = make(name, loc=loc)
    assert law.has_rsample
    assert law().requires_grad
    assert law.has_rsample_(False) is law
    assert not law.has_rsample
    assert not law().requires_grad
    assert make(name).has_rsample


@every_family
def test_sample_carries_no_gradient(name):
    law = make(name, loc=LOC.clone().requires_grad_())
    assert not law.sample((2,)).requires_grad


@every_family
def test_a_distribution_is_made_without_the_symbolic_algebra_of_torch(
    name, monkeypatch
):
    monkeypatch.setattr(torch, "broadcast_shapes", None)
    law = make(name, 0.5, LOC.expand(2, K - 1), SCALE)
    assert (law.batch_shape, law.event_shape) == ((2,), (K,))


@every_family
def test_infer_shapes_tells_the_shapes_of_the_distribution(name):
    law = make(name, torch.full((5, 1), 0.5), LOC, SCALE.expand(2, K - 1))
    given = {
        "temperature": torch.Size((5, 1)),
        "loc": LOC.shape,
        "scale": torch.Size((2, K - 1)),
        "delta": torch.Size(),
        "rho": torch.Size(),
    }
    shapes = {key: given[key] for key in law.arg_constraints}
    assert type(law).infer_shapes(**shapes) == (law.batch_shape, law.event_shape)


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda law: pickle.loads(pickle.dumps(law)),
}


@every_family
@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES.keys())
def test_a_distribution_can_be_copied_after_sampling_with_gradients(name, duplicate):
    law = make(name, loc=LOC.clone().requires_grad_())
    value = law.rsample()
    value.prod().backward()
    copied, value = duplicate(law), value.detach()
    assert type(copied) is type(law)
    torch.testing.assert_close(copied.log_prob(value), law.log_prob(value))


@every_family
def test_the_device_of_loc_is_left_alone(name):
    loc, scale = torch.empty(2, 2, K - 1, device="meta")
    with pyro.validation_enabled(False):
        law = make(name, 0.5, loc, scale)
        value = law.rsample((5,))
        assert value.device == law.log_prob(value).device == loc.device
