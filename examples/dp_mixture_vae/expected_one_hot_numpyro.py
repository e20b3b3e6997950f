"""A one-hot variable that is summed out: its value is its mean."""

from jax import Array
from jax import numpy as jnp
from numpyro.distributions import constraints

from numpyro_igr import OneHotCategorical


class ExpectedOneHot(OneHotCategorical):
    """The mean of a one-hot variable, as a site that stands for it.

    What comes after such a site is to count in proportion to its value: each category
    by its probability. The log-probability is the mean of that of the one-hot variable,
    so that any ELBO subtracts the exact KL between the categorical laws.

    Shape: ``probs``, ``logits`` and value: ``batch + (K,)``.
    """

    support = constraints.simplex
    has_enumerate_support = False
    reparametrized_params = ("logits",)

    def expand(self, batch_shape: tuple[int, ...]) -> "ExpectedOneHot":
        logits = jnp.broadcast_to(self.logits, (*batch_shape, *self.event_shape))
        return ExpectedOneHot(logits=logits, validate_args=self._validate_args)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        return jnp.broadcast_to(self.probs, sample_shape + self.shape())

    def log_prob(self, value: Array, intermediates: None = None) -> Array:
        return (value * self.logits).sum(-1)
