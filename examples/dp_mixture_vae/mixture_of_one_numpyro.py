"""The mixture with one component drawn for each image, for importance weights."""

import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro import handlers
from numpyro.distributions import Distribution

from examples.dp_mixture_vae.mixture_numpyro import IMAGES, sample_images
from examples.dp_mixture_vae.networks_numpyro import Networks
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.stick_laws_numpyro import sample_weights
from numpyro_igr import OneHotCategorical


class MixtureOfOne:
    """The model and the guide of a mixture, for the likelihood of single images.

    The weights of a new image are its own, from the prior, or those that all images
    share, as they have been learned: model and guide draw these from the same law,
    whose density cancels. The concentration is known: the mean of its law.

    Args:
        options: The sizes and the laws.
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
            law = OneHotCategorical(logits=jnp.log(weights))
            means = numpyro.sample("component", law) @ networks.all_means()
            sample_images(networks, means, images)

    def guide(self, images: Array, prior: Distribution) -> None:
        """The same with encoded parameters."""
        networks = Networks.declare(self.options, images.shape[-1])
        features = networks.features(images)
        concentration = networks.encode_concentration(prior).mean
        sticks = networks.encode_sticks(features, concentration)
        per_image, weights = sample_weights_of(images, sticks, networks)
        with per_image:
            law = OneHotCategorical(logits=networks.encode_component(features, weights))
            means = numpyro.sample("component", law) @ networks.all_means()
            numpyro.sample("code", networks.encode_code(features, means))


def sample_weights_of(
    images: Array, sticks: Distribution, networks: Networks
) -> tuple[numpyro.plate, Array]:
    """A plate of the images, and their weights."""
    per_image = numpyro.plate("images", len(images), dim=IMAGES)
    own = networks.options.has_own_weights
    with per_image if own else handlers.mask(mask=False):
        return per_image, sample_weights(sticks)
