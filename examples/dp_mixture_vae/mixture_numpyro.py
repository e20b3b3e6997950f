"""A Dirichlet-process mixture over the codes of a decoder, and its guide."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import jax.numpy as jnp
import numpyro
from jax import Array, random
from jax.example_libraries import stax
from jax.nn import relu
from numpyro import handlers
from numpyro.distributions import Bernoulli, Beta, Delta, Distribution, Gamma, Normal

from examples.dp_mixture_vae.components import nearest_gaussian, start_of_sticks
from examples.dp_mixture_vae.options import MixtureOptions
from numpyro_igr import (
    GEM,
    ExpectedOneHotCategorical,
    InfiniteIGR,
    Kumaraswamy,
    OneHotCategorical,
)

TINY = jnp.finfo(jnp.float32).tiny
IMAGES, COMPONENTS = -1, -2


def make_prior(family: str, concentration: Array, num_sticks: int) -> Distribution:
    """The stick-breaking prior of a Dirichlet process."""
    if family == "igr-sb":
        return GEM(concentration, num_sticks)
    sticks = jnp.ones(num_sticks)
    return Beta(sticks, concentration * sticks).to_event(1)


def make_posterior(
    family: str, parameters: Array, concentration: Array, start: float
) -> Distribution:
    """The distribution of sticks with these parameters, the prior at zero.

    Args:
        family: "igr-sb" or "dldpmm".
        parameters: With shape `batch + (2, num_sticks)`.
        concentration: Of the prior.
        start: The concentration that zero parameters mean.
    """
    first, second = parameters[..., 0, :], parameters[..., 1, :]
    if family == "igr-sb":
        loc, scale, _ = nearest_gaussian(start)
        tail = GEM(concentration, 1)
        return InfiniteIGR(None, loc + first, scale * jnp.exp(second), 1.0, tail=tail)
    return Kumaraswamy(jnp.exp(first), start * jnp.exp(second)).to_event(1)


def sample_weights(sticks: Distribution) -> Array:
    """Weights from the site "sticks", whose value may be the sticks themselves."""
    return to_weights(sticks, numpyro.sample("sticks", sticks))


def to_weights(sticks: Distribution, value: Array) -> Array:
    """The weights that a value of the sticks stands for, none of them zero."""
    if isinstance(sticks, GEM | InfiniteIGR):
        return jnp.clip(value, min=TINY)
    log_left = jnp.log1p(-jnp.clip(value, max=1 - 1e-6)).cumsum(-1)
    none = jnp.zeros_like(log_left[..., :1])
    left = jnp.exp(jnp.concatenate([none, log_left], -1))
    used = jnp.concatenate([value, jnp.ones_like(none)], -1)
    return jnp.clip(left * used, min=TINY)


class Networks(NamedTuple):
    """Encoder, decoder, sticks and the means of the components.

    The components that no stick is given to yet, the rest, share the mean zero, and so
    does a component that is added. The encoder knows a component by its mean, so that
    it has nothing to learn of one that is added. Layers of stax have a bias each: that
    of `hidden_of_mean` adds to that of `hidden`, which in Pyro is the only one.
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


class Mixture:
    """The model of images and the guide to weights, components and codes.

    Each image belongs to a component, whose code is Gaussian around the mean of that
    component; a decoder makes pixels of it. The component is summed out: the terms of
    each count in proportion to its probability.

    Args:
        options: The sizes and the families.
        num_images: That there are to learn from.
    """

    def __init__(self, options: MixtureOptions, num_images: int) -> None:
        self.options, self.num_images = options, num_images
        self.has_own_weights = options.has_own_weights

    def model(self, images: Array, prior: Distribution) -> None:
        """Weights, then for each component codes and pixels, in proportion."""
        networks = Networks.declare(self.options, images.shape[-1])
        share, per_image = self.scopes(images)
        with handlers.scale(scale=1 / len(images)):
            with share:
                concentration = sample_concentration(prior)
            with per_image if self.has_own_weights else share:
                sticks = networks.make_prior(concentration)
                weights = sample_weights(sticks)
            with per_image:
                component = ExpectedOneHotCategorical(logits=jnp.log(weights))
                with per_component(numpyro.sample("component", component)):
                    sample_images(networks, networks.all_means()[..., None, :], images)

    def guide(self, images: Array, prior: Distribution) -> None:
        """The same with encoded parameters."""
        networks = Networks.declare(self.options, images.shape[-1])
        share, per_image = self.scopes(images)
        features = networks.features(images)
        with handlers.scale(scale=1 / len(images)):
            with share:
                posterior = networks.encode_concentration(prior)
                concentration = sample_concentration(posterior)
            with per_image if self.has_own_weights else share:
                weights = sample_weights(
                    networks.encode_sticks(features, concentration)
                )
            with per_image:
                component = ExpectedOneHotCategorical(
                    logits=networks.encode_component(features, weights)
                )
                with per_component(numpyro.sample("component", component)):
                    means = networks.all_means()[..., None, :]
                    numpyro.sample("code", networks.encode_code(features, means))

    def scopes(self, images: Array) -> tuple[handlers.scale, numpyro.plate]:
        """A scale of the batch's share of the data set, and a plate of its images."""
        share = handlers.scale(scale=len(images) / self.num_images)
        return share, numpyro.plate("images", len(images), dim=IMAGES)


def sample_concentration(prior: Distribution) -> Array:
    """The concentration of the Dirichlet process, unless it is known."""
    return (
        prior.v if isinstance(prior, Delta) else numpyro.sample("concentration", prior)
    )


def sample_images(networks: Networks, means: Array, images: Array) -> None:
    """Codes around these means, then pixels."""
    code = numpyro.sample("code", Normal(means, 1.0).to_event(1))
    pixels = Bernoulli(logits=networks.decode(code)).to_event(1)
    numpyro.sample("pixels", pixels, obs=images)


@contextmanager
def per_component(component: Array) -> Iterator[None]:
    """A plate over the components; they count in proportion to their probabilities."""
    shares = jnp.clip(jnp.swapaxes(component, -1, -2), jnp.finfo(component.dtype).tiny)
    plate = numpyro.plate("components", component.shape[-1], dim=COMPONENTS)
    with plate, handlers.scale(scale=shares):
        yield


class MixtureOfOne:
    """The model and the guide of a mixture, for the likelihood of single images.

    The weights of a new image are its own, from the prior, or those that all images
    share, as they have been learned: model and guide draw these from the same
    distribution, whose density cancels. The concentration is known: its mean.

    Args:
        options: The sizes and the families.
    """

    def __init__(self, options: MixtureOptions) -> None:
        self.options = options

    def model(self, images: Array, prior: Distribution) -> None:
        """Weights, then a component, its code and pixels."""
        networks = Networks.declare(self.options, images.shape[-1])
        concentration = networks.encode_concentration(prior).mean
        if networks.options.has_own_weights:
            sticks = networks.make_prior(concentration)
        else:
            features = networks.features(images)
            sticks = networks.encode_sticks(features, concentration)
        per_image, weights = sample_weights_of(images, sticks, networks)
        with per_image:
            component = OneHotCategorical(logits=jnp.log(weights))
            means = numpyro.sample("component", component) @ networks.all_means()
            sample_images(networks, means, images)

    def guide(self, images: Array, prior: Distribution) -> None:
        """The same with encoded parameters."""
        networks = Networks.declare(self.options, images.shape[-1])
        features = networks.features(images)
        concentration = networks.encode_concentration(prior).mean
        sticks = networks.encode_sticks(features, concentration)
        per_image, weights = sample_weights_of(images, sticks, networks)
        with per_image:
            component = OneHotCategorical(
                logits=networks.encode_component(features, weights)
            )
            means = numpyro.sample("component", component) @ networks.all_means()
            numpyro.sample("code", networks.encode_code(features, means))


def sample_weights_of(
    images: Array, sticks: Distribution, networks: Networks
) -> tuple[numpyro.plate, Array]:
    """A plate of the images, and their weights."""
    per_image = numpyro.plate("images", len(images), dim=IMAGES)
    own = networks.options.has_own_weights
    with per_image if own else handlers.mask(mask=False):
        return per_image, sample_weights(sticks)
