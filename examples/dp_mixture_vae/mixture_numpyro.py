"""A Dirichlet-process mixture over the codes of a decoder, and its guide."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro import handlers
from numpyro.distributions import Bernoulli, Delta, Distribution, Normal

from examples.dp_mixture_vae.networks_numpyro import Networks
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.weights_numpyro import sample_weights
from numpyro_igr import ExpectedOneHotCategorical, OneHotCategorical

IMAGES, COMPONENTS = -1, -2


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
            sticks = networks.encode_sticks(images, concentration)
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
