"""Encoder, decoder and the components of a mixture VAE, whose number grows."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpyro
from jax import Array, random
from jax.example_libraries import stax
from jax.nn import relu
from numpyro.distributions import Delta, Distribution, Gamma, Normal

from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.sticks import start_of_sticks
from examples.dp_mixture_vae.weights_numpyro import make_posterior, make_prior


class Networks(NamedTuple):
    """Encoder, decoder, sticks and the means of the components.

    The components that no stick is given to yet, the rest, share the mean zero, and so
    does a component that is added. The encoder knows a component by its mean, so that
    it has nothing to learn of one that is added.
    """

    options: MixtureOptions
    features: Callable[[Array], Array]
    scores: Callable[[Array], Array]
    hidden: Callable[[Array], Array]
    hidden_of_mean: Callable[[Array], Array]
    code: Callable[[Array], Array]
    decode: Callable[[Array], Array]
    log_concentration: Array
    breaks: Array
    breaks_of_image: Array
    means: Array

    @classmethod
    def declare(cls, options: MixtureOptions, num_pixels: int) -> "Networks":
        """Their parameters, as sites of the model that asks.

        Args:
            options: The sizes and the families.
            num_pixels: Of an image.
        """
        latent = options.latent_dim
        *first, last = options.encoder
        num_features = (num_pixels, *first)[-1]
        sticks = start_of_sticks(
            options.family, options.concentration, options.num_sticks
        )
        of_image = options.has_own_weights / num_features**0.5
        means = options.num_means, latent
        return cls(
            options,
            _network("features", num_pixels, *first, is_inner=True),
            _network("scores", num_features, latent),
            _network("hidden", num_features, last),
            _network("hidden_of_mean", latent, last),
            _network("code", last, 2 * latent),
            _network("decode", latent, *options.decoder, num_pixels),
            numpyro.param("log_concentration", jnp.zeros(2)),
            numpyro.param("breaks", jnp.asarray(sticks)),
            _normal("breaks_of_image", (*sticks.shape, num_features), of_image),
            _normal("means", means, options.spread),
        )

    @property
    def num_sticks(self) -> int:
        """The number of sticks, which grows."""
        return self.breaks.shape[-1]

    def all_means(self) -> Array:
        """The means of the components, that of the rest last."""
        if self.options.family == "dldpmm":
            return self.means
        return jnp.concatenate([self.means, jnp.zeros_like(self.means[:1])])

    def make_prior(self, concentration: Array) -> Distribution:
        """The prior of the sticks."""
        return make_prior(self.options.family, concentration, self.num_sticks)

    def encode_concentration(self, prior: Distribution) -> Distribution:
        """The guide's concentration, which is the prior at the start."""
        if isinstance(prior, Delta):
            return prior
        concentration, rate = jnp.exp(self.log_concentration)
        return Gamma(prior.concentration * concentration, prior.rate * rate)

    def encode_sticks(self, features: Array, concentration: Array) -> Distribution:
        """The guide's sticks, given the images if these have sticks of their own."""
        parameters = self.breaks
        if self.options.has_own_weights:
            of_image = jnp.einsum("...h,pnh->...pn", features, self.breaks_of_image)
            parameters = parameters + of_image
        family, start = self.options.family, self.options.concentration
        return make_posterior(family, parameters, concentration, start)

    def encode_component(self, features: Array, weights: Array) -> Array:
        """The logits of the components, given the images and the weights."""
        if self.options.has_own_weights:
            return jnp.log(weights)
        means = self.all_means()
        scores = self.scores(features) @ means.T - (means**2).sum(-1) / 2
        return jnp.log(weights) + scores

    def encode_code(self, features: Array, means: Array) -> Distribution:
        """The guide's codes, given the images and the means of components."""
        hidden = relu(self.hidden(features) + self.hidden_of_mean(means))
        offset, log_scale = jnp.split(self.code(hidden), 2, -1)
        return Normal(means + offset, jnp.exp(log_scale)).to_event(1)


def _network(
    name: str, first: int, *sizes: int, is_inner: bool = False
) -> Callable[[Array], Array]:
    """Linear maps from size to size, with rectifiers in between, or after each."""
    layers = [layer for size in sizes for layer in (stax.Dense(size), stax.Relu)]
    layers = layers if is_inner else layers[:-1]
    if not layers:
        return lambda array: array
    return numpyro.module(name, stax.serial(*layers), (1, first))


def _normal(name: str, shape: tuple[int, ...], scale: float) -> Array:
    """A parameter that starts at random."""
    return numpyro.param(name, lambda key: scale * random.normal(key, shape))
