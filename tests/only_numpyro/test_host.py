"""The distributions keep the protocol of a NumPyro distribution."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from jax import random
from numpyro import handlers
from numpyro.distributions.kl import kl_divergence
from numpyro_families import LOC, SCALE, K, every_family, make
from numpyro_families import fresh_host as fresh_host

import numpyro_igr

KEY = random.key(0)


@every_family
def test_the_leaves_of_the_pytree_are_exactly_the_parameters(name):
    law = make(name)
    leaves, structure = jax.tree.flatten(law)
    assert len(leaves) == len(law.arg_constraints)
    for leaf, parameter in zip(leaves, law.arg_constraints, strict=True):
        assert leaf is getattr(law, parameter)
    again = jax.tree.unflatten(structure, leaves)
    value = law.sample(KEY, (5,))
    assert type(again) is type(law)
    assert again.batch_shape == law.batch_shape
    assert again.event_shape == law.event_shape
    np.testing.assert_array_equal(again.log_prob(value), law.log_prob(value))
    assert jax.tree.structure(again) == structure


@every_family
def test_all_leaves_have_the_rank_of_the_batch(name):
    law = make(name, 0.5, jnp.zeros((3, 1, K - 1)), jnp.ones(K - 1))
    for parameter in law.arg_constraints:
        event_dim = parameter in ("loc", "scale")
        assert jnp.ndim(getattr(law, parameter)) == 2 + event_dim
    assert law.batch_shape == (3, 1)


@every_family
def test_expand_broadcasts_the_density(name):
    law = make(name)
    wide = law.expand([5, 2])
    assert wide.batch_shape == (5, 2)
    assert wide.event_shape == (K,)
    value = wide.sample(KEY)
    assert value.shape == (5, 2, K)
    np.testing.assert_allclose(wide.log_prob(value), law.log_prob(value), rtol=1e-6)
    assert isinstance(wide.base_dist, type(law))
    np.testing.assert_array_equal(kl_divergence(wide, law.expand([5, 2])), 0)


class Renamed(numpyro_igr.IGR):
    """What a user derives from a law."""


def test_a_subclass_of_a_user_is_a_pytree_with_a_kl():
    law = Renamed(0.5, jnp.asarray(LOC), jnp.asarray(SCALE), 2.0)
    same = jax.jit(lambda law: law)(law)
    assert type(same) is Renamed
    assert jnp.abs(kl_divergence(same, law)) < 1e-6


@every_family
def test_a_plate_broadcasts_the_site(name):
    def model():
        with numpyro.plate("outer", 3, dim=-2), numpyro.plate("inner", 5, dim=-1):
            return numpyro.sample("z", make(name))

    site = handlers.trace(handlers.seed(model, 0)).get_trace()["z"]
    assert site["fn"].batch_shape == (3, 5)
    assert site["value"].shape == (3, 5, K)


@every_family
def test_the_distributions_are_reparametrized(name):
    law = make(name)
    assert law.has_rsample
    assert set(law.reparametrized_params) == set(law.arg_constraints)


@every_family
@pytest.mark.parametrize("by_name", [False, True])
def test_infer_shapes_takes_shapes_by_position_and_by_name(name, by_name):
    law = make(name, jnp.full((5, 1), 0.5), LOC, jnp.ones((2, K - 1)))
    given = {"temperature": (5, 1), "loc": (3,), "scale": (2, 3)}
    given |= {"delta": (), "rho": ()}
    shapes = {key: given[key] for key in law.arg_constraints}
    call = {"kwargs": shapes} if by_name else {"args": shapes.values()}
    found = type(law).infer_shapes(*call.get("args", ()), **call.get("kwargs", {}))
    assert found == (law.batch_shape, law.event_shape)


def test_infer_shapes_may_leave_delta_to_its_default():
    found = numpyro_igr.IGR.infer_shapes((), loc=(2, 3), scale=(3,))
    assert found == ((2,), (4,))


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda law: pickle.loads(pickle.dumps(law)),
}


@every_family
@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES.keys())
@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_distribution_can_be_copied(name, duplicate, batch):
    law = make(name)
    law = law.expand(batch) if batch else law
    copied, value = duplicate(law), law.sample(KEY)
    assert type(copied) is type(law)
    np.testing.assert_array_equal(copied.log_prob(value), law.log_prob(value))


@every_family
def test_sample_and_rsample_agree_and_have_gradients(name):
    def first(loc, method):
        law = make(name, loc=loc)
        return (getattr(law, method)(KEY, (3,)) * jnp.arange(K)).sum()

    loc = jnp.asarray(LOC)
    assert first(loc, "sample") == first(loc, "rsample")
    assert (jax.grad(first)(loc, "sample") != 0).all()
    value, intermediates = make(name).sample_with_intermediates(KEY)
    np.testing.assert_array_equal(value, make(name).sample(KEY))
    assert intermediates == []


@every_family
def test_the_support_is_that_of_the_samples(name):
    law = make(name)
    value = law.sample(KEY, (100,))
    assert law.support(value).all()
    feasible = law.support.feasible_like(value)
    assert feasible.shape == value.shape
    assert law.support(feasible).all()
    assert isinstance(law, dist.Distribution)
