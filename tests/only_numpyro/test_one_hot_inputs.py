"""What the one-hot distributions that NumPyro lacks take, and what they refuse."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.distributions.kl import kl_divergence
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import OneHotCategorical, RelaxedOneHotCategorical
from numpyro_igr.distributions import ExpRelaxedOneHotCategorical

PROBS = jnp.array([0.2, 0.3, 0.5])


def test_integer_logits_are_those_of_the_same_reals():
    of_integers = OneHotCategorical(logits=jnp.array([0, 1, 2]))
    of_reals = OneHotCategorical(logits=jnp.array([0.0, 1, 2]))
    np.testing.assert_array_equal(of_integers.logits, of_reals.logits)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_probabilities_in_half_precision_are_taken_with_their_rounding(dtype):
    law = OneHotCategorical(PROBS.astype(dtype), validate_args=True)
    np.testing.assert_allclose(law.probs.astype(float), PROBS, atol=1e-2)


@pytest.mark.parametrize("value", ["half", None, [0.5, 0.5], jnp.array([1j, 0])])
def test_what_is_no_real_array_is_named(value):
    with pytest.raises((TypeError, ValueError), match=r"\bprobs\b"):
        OneHotCategorical(probs=value)


@pytest.mark.parametrize(
    "law",
    [
        OneHotCategorical(PROBS),
        RelaxedOneHotCategorical(0.5, PROBS),
        ExpRelaxedOneHotCategorical(0.5, PROBS),
    ],
    ids=lambda law: type(law).__name__,
)
def test_values_of_another_length_are_refused(law):
    with pytest.raises(ValueError, match="expected value to have 3 entries"):
        law.log_prob(jnp.ones(1))


def test_there_is_no_kl_between_different_numbers_of_categories():
    with pytest.raises(ValueError, match="the same number of categories, got 3 and 1"):
        kl_divergence(OneHotCategorical(PROBS), OneHotCategorical(jnp.ones(1)))
