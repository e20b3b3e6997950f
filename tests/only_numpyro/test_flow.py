"""IGRFlow in NumPyro: flows of the host, pytrees, jit and vmap."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from jax import random
from numpyro import handlers
from numpyro.distributions.flows import (
    BlockNeuralAutoregressiveTransform,
    InverseAutoregressiveTransform,
)
from numpyro.distributions.transforms import (
    AffineTransform,
    LowerCholeskyAffine,
    PermuteTransform,
)
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import (
    IGRFlow,
    OneHotCategorical,
    PlanarTransform,
    assert_analytic_kl,
    discretize,
)

KEY = random.key(0)
TRIANGLE = jnp.array([[1.0, 0, 0], [0.5, 2.0, 0], [-1.0, 0.3, 0.7]])


def flow():
    return [
        PlanarTransform(jnp.ones(3), jnp.array([1.0, -2.0, 0.5])),
        AffineTransform(0.3, 2.0),
        LowerCholeskyAffine(jnp.zeros(3), TRIANGLE),
    ]


def test_flows_of_the_host_pass_through_jit_and_vmap():
    law = IGRFlow(0.5, jnp.zeros((4, 3)), jnp.ones((4, 3)), flow())
    z = law.sample(KEY)
    expected = law.log_prob(z)
    assert jnp.isfinite(expected).all()
    found = jax.jit(lambda law: law.log_prob(z))(law)
    np.testing.assert_allclose(found, expected, rtol=1e-4)

    def score(loc, z):
        return IGRFlow(0.5, loc, jnp.ones(3), flow()).log_prob(z)

    found = jax.jit(jax.vmap(score))(jnp.zeros((4, 3)), z)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_flow_is_a_pytree_of_arrays_with_gradients():
    law = IGRFlow(0.5, jnp.zeros(3), jnp.ones(3), flow()[0])
    z = law.sample(KEY)
    gradient = jax.jit(jax.grad(lambda law: law.log_prob(z)))(law)
    assert abs(gradient.flow[0].u).max() > 0
    assert jax.tree.structure(gradient) == jax.tree.structure(law)


def test_it_has_a_closed_form_in_plates_and_is_discretized():
    layers = flow()

    def model():
        with numpyro.plate("data", 4):
            numpyro.sample("z", IGRFlow(0.5, jnp.zeros(3), jnp.ones(3), layers))

    def guide():
        with numpyro.plate("data", 4):
            numpyro.sample("z", IGRFlow(0.5, jnp.ones(3), jnp.ones(3), layers))

    assert_analytic_kl(model, guide)
    sites = handlers.trace(handlers.seed(discretize(guide), 0)).get_trace()
    law = sites["z"]["fn"]
    assert isinstance(law, OneHotCategorical)
    assert law.batch_shape == (4,)


def test_counts_are_the_same_under_jit_and_vmap():
    layers = flow()
    loc = jnp.array(np.random.default_rng(0).normal(size=(2, 3)))
    known = IGRFlow(0.5, loc, jnp.ones(3), layers).probs

    def probs(loc):
        return IGRFlow(0.5, loc, jnp.ones(3), layers).probs

    for found in jax.jit(probs)(loc), jax.vmap(probs)(loc):
        np.testing.assert_allclose(found, known, rtol=1e-6)


def test_maps_are_equal_where_their_layers_are_the_same_objects():
    layers, others = flow(), flow()

    def of(layers, tau):
        return IGRFlow(tau, jnp.zeros(3), jnp.ones(3), layers).transforms[0]

    assert of(layers, 0.5) == of(layers, 0.5)
    assert of(layers, 0.5) != of(others, 0.5)
    assert of(layers, 0.5) != of(layers[:1], 0.5)
    assert not jax.jit(lambda tau: of(layers, tau).eq(of(layers, 0.5)))(0.6)


def test_autoregressive_flows_and_permutations_are_bijections():
    autoregressive = InverseAutoregressiveTransform(lambda x: (0 * x, 0 * x))
    neural = BlockNeuralAutoregressiveTransform(lambda x: (2 * x, 0 * x + jnp.log(2)))
    for part in autoregressive, neural, PermuteTransform(jnp.array([2, 0, 1])):
        law = IGRFlow(0.5, jnp.zeros(3), jnp.ones(3), part)
        assert law.sample(KEY).shape == (4,)


def test_a_neural_flow_is_refused_where_its_inverse_is_needed():
    neural = BlockNeuralAutoregressiveTransform(lambda x: (2 * x, 0 * x + jnp.log(2)))
    law = IGRFlow(0.5, jnp.zeros(3), jnp.ones(3), neural)
    with pytest.raises(ValueError, match="got BlockNeuralAutoregressiveTransform,"):
        law.log_prob(jnp.ones(4) / 4)
