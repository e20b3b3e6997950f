"""What variants of the recipe change in the distributions of codes, in NumPyro."""

import jax.numpy as jnp
import numpyro
from jax import random
from jax.nn import one_hot, sigmoid
from jax.scipy.special import logit, logsumexp
from numpyro.distributions import Distribution

from numpyro_igr import (
    ExpRelaxedOneHotCategorical,
    IGRStickBreaking,
    OneHotCategoricalReinMax,
    recover,
)

COLDEST, WARMEST = 0.05, 2.0  # of a temperature that is learned
LEAST_SCALE, LARGEST_SCALE = 0.5, 2.0  # of scales that are learned


def unchanged(code):
    return code


def with_temperature(code, temperature):
    if isinstance(code, IGRStickBreaking):
        return type(code)(temperature, code.loc, code.scale)
    return type(code)(temperature, logits=code.logits)


def within(least, largest, inside):
    """A number between two, geometrically, given any number."""
    return least * (largest / least) ** sigmoid(inside)


def to_temperature(inside):
    return within(COLDEST, WARMEST, inside)


def with_learned_temperature(code):
    """At one temperature for all codes, which starts at that given."""
    share = jnp.log(code.temperature / COLDEST) / jnp.log(WARMEST / COLDEST)
    learned = numpyro.param("temperature", logit(share).mean())
    return with_temperature(code, to_temperature(learned))


def with_learned_scales(code):
    """With a scale of each stick of each variable, the same for all images."""
    shape = code.batch_shape[-1], code.event_shape[-1] - 1
    scale = within(
        LEAST_SCALE, LARGEST_SCALE, numpyro.param("scales", jnp.zeros(shape))
    )
    return type(code)(code.temperature, code.loc, scale)


def to_reinmax(code):
    return OneHotCategoricalReinMax(1.0, logits=recover(code).logits)


class Antithetic(IGRStickBreaking):
    """Sticks of which the second half of several draws has the noise of the first."""

    def sample(self, key, sample_shape=()):
        half = sample_shape[0] // 2, *sample_shape[1:], *self.batch_shape
        noise = random.normal(key, (*half, self.event_shape[0] - 1))
        noise = jnp.concatenate([noise, -noise])
        return self._transform()(self.loc + self.scale * noise)


class AntitheticGumbel(ExpRelaxedOneHotCategorical):
    """The same of Gumbel-Softmax: with u behind a draw, and then with 1 - u."""

    def sample(self, key, sample_shape=()):
        half = sample_shape[0] // 2, *sample_shape[1:]
        tiny = jnp.finfo(jnp.float32).tiny
        u = random.uniform(key, half + self.batch_shape + self.event_shape, minval=tiny)
        noise = jnp.concatenate([-jnp.log(-jnp.log(u)), -jnp.log(-jnp.log1p(-u))])
        y = (self.logits + noise) / self.temperature[..., None]
        return y - logsumexp(y, -1, keepdims=True)


def to_antithetic(code):
    if isinstance(code, IGRStickBreaking):
        return Antithetic(code.temperature, code.loc, code.scale)
    return AntitheticGumbel(code.temperature, logits=code.logits)


class Counted(Distribution):
    """Relaxed draws of sticks, which count by something else than their density."""

    has_rsample, reparametrized_params = True, ()

    def __init__(self, code):
        self.code = code
        super().__init__(code.batch_shape, code.event_shape, validate_args=False)

    @property
    def support(self):
        return self.code.support

    def sample(self, key, sample_shape=()):
        return self.code.sample(key, sample_shape)


class LogOfMixture(Counted):
    r"""Draws z that count by :math:`\log \sum_k z_k p_k`."""

    def log_prob(self, value, intermediates=None):
        return jnp.log((value * recover(self.code).probs).sum(-1))


class NearestVertex(Counted):
    r"""Draws z that count by :math:`\log p_k` of their largest component k."""

    def log_prob(self, value, intermediates=None):
        nearest = one_hot(value.argmax(-1), value.shape[-1])
        return recover(self.code).log_prob(nearest)
