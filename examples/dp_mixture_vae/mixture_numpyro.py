"""A Dirichlet-process mixture of codes that a network decodes, and its guide."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro import handlers
from numpyro.distributions import Bernoulli, Delta, Distribution, Normal

from examples.dp_mixture_vae.networks_numpyro import Networks
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.stick_laws_numpyro import sample_weights
from numpyro_igr import ExpectedOneHotCategorical

IMAGES, COMPONENTS = -1, -2


class Mixture:
    """The model of images and the guide to weights, components and codes.

    Each image belongs to a component, whose code is Gaussian around the mean of that
    component; a decoder makes pixels of it. The component is summed out: the terms of
    each count in proportion to its probability.

    Args:
        options: The sizes and the laws.
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
                law = networks.make_prior(concentration)
                weights = sample_weights(law)
            with per_image:
                law = ExpectedOneHotCategorical(logits=jnp.log(weights))
                with per_component(numpyro.sample("component", law)):
                    sample_images(networks, networks.all_means()[..., None, :], images)

    def guide(self, images: Array, prior: Distribution) -> None:
        """The same with encoded parameters."""
        networks = Networks.declare(self.options, images.shape[-1])
        share, per_image = self.scopes(images)
        features = networks.features(images)
        with handlers.scale(scale=1 / len(images)):
            with share:
                law = networks.encode_concentration(prior)
                concentration = sample_concentration(law)
            with per_image if self.has_own_weights else share:
                weights = sample_weights(
                    networks.encode_sticks(features, concentration)
                )
            with per_image:
                law = ExpectedOneHotCategorical(
                    logits=networks.encode_component(features, weights)
                )
                with per_component(numpyro.sample("component", law)):
                    means = networks.all_means()[..., None, :]
                    numpyro.sample("code", networks.encode_code(features, means))

    def scopes(self, images: Array) -> tuple[handlers.scale, numpyro.plate]:
        """A scale of the batch's share of the data set, and a plate of its images."""
        share = handlers.scale(scale=len(images) / self.num_images)
        return share, numpyro.plate("images", len(images), dim=IMAGES)


def sample_concentration(law: Distribution) -> Array:
    """The concentration of the Dirichlet process, unless it is known."""
    return law.v if isinstance(law, Delta) else numpyro.sample("concentration", law)


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
