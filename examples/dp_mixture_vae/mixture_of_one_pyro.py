"""The mixture with one component drawn for each image, for importance weights."""

import pyro
from pyro import poutine
from pyro.distributions import Distribution, OneHotCategorical
from torch import Tensor

from examples.dp_mixture_vae.mixture_pyro import IMAGES, sample_images
from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.stick_laws_pyro import sample_weights


class MixtureOfOne:
    """The model and the guide of a mixture, for the likelihood of single images.

    The weights of a new image are its own, from the prior, or those that all images
    share, as they have been learned: model and guide draw these from the same law,
    whose density cancels. The concentration is known: the mean of its law.

    Args:
        networks: Encoder, decoder, sticks and means.
    """

    def __init__(self, networks: Networks) -> None:
        self.networks = networks

    def model(self, images: Tensor, prior: Distribution) -> None:
        """Weights, then a component, its code and pixels."""
        networks = pyro.module("networks", self.networks)
        concentration = networks.encode_concentration(prior).mean
        if networks.options.has_own_weights:
            sticks = networks.make_prior(concentration)
        else:
            sticks = networks.encode_sticks(images, concentration)
        per_image, weights = sample_weights_of(images, sticks, networks)
        with per_image:
            law = OneHotCategorical(logits=weights.log())
            means = pyro.sample("component", law) @ networks.all_means()
            sample_images(networks, means, images)

    def guide(self, images: Tensor, prior: Distribution) -> None:
        """The same with encoded parameters."""
        networks = pyro.module("networks", self.networks)
        features = networks.features(images)
        concentration = networks.encode_concentration(prior).mean
        sticks = networks.encode_sticks(features, concentration)
        per_image, weights = sample_weights_of(images, sticks, networks)
        with per_image:
            law = OneHotCategorical(logits=networks.encode_component(features, weights))
            means = pyro.sample("component", law) @ networks.all_means()
            pyro.sample("code", networks.encode_code(features, means))


def sample_weights_of(
    images: Tensor, sticks: Distribution, networks: Networks
) -> tuple[pyro.plate, Tensor]:
    """A plate of the images, and their weights."""
    per_image = pyro.plate("images", len(images), dim=IMAGES)
    own = networks.options.has_own_weights
    with per_image if own else poutine.mask(mask=False):
        return per_image, sample_weights(sticks)
