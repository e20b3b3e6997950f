"""A Dirichlet-process mixture of codes that a network decodes, and its guide."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyro
import torch
from pyro import poutine
from pyro.distributions import Bernoulli, Delta, Distribution, Normal
from torch import Tensor

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.stick_laws_pyro import sample_weights
from pyro_igr import ExpectedOneHotCategorical

IMAGES, COMPONENTS = -1, -2


class Mixture:
    """The model of images and the guide to weights, components and codes.

    Each image belongs to a component, whose code is Gaussian around the mean of that
    component; a decoder makes pixels of it. The component is summed out: the terms of
    each count in proportion to its probability.

    Args:
        networks: Encoder, decoder, sticks and means.
        num_images: That there are to learn from.
    """

    def __init__(self, networks: Networks, num_images: int) -> None:
        self.networks, self.num_images = networks, num_images
        self.has_own_weights = networks.options.has_own_weights

    def model(self, images: Tensor, prior: Distribution) -> None:
        """Weights, then for each component codes and pixels, in proportion."""
        networks = pyro.module("networks", self.networks)
        share, per_image = self.scopes(images)
        with poutine.scale(scale=1 / len(images)):
            with share:
                concentration = sample_concentration(prior)
            with per_image if self.has_own_weights else share:
                law = networks.make_prior(concentration)
                weights = sample_weights(law)
            with per_image:
                law = ExpectedOneHotCategorical(logits=weights.log())
                with per_component(pyro.sample("component", law)):
                    sample_images(networks, networks.all_means().unsqueeze(-2), images)

    def guide(self, images: Tensor, prior: Distribution) -> None:
        """The same with encoded parameters."""
        networks = pyro.module("networks", self.networks)
        share, per_image = self.scopes(images)
        features = networks.features(images)
        with poutine.scale(scale=1 / len(images)):
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
                with per_component(pyro.sample("component", law)):
                    means = networks.all_means().unsqueeze(-2)
                    pyro.sample("code", networks.encode_code(features, means))

    def scopes(self, images: Tensor) -> tuple[poutine.scale, pyro.plate]:
        """A scale of the batch's share of the data set, and a plate of its images."""
        share = poutine.scale(scale=len(images) / self.num_images)
        return share, pyro.plate("images", len(images), dim=IMAGES)


def sample_concentration(law: Distribution) -> Tensor:
    """The concentration of the Dirichlet process, unless it is known."""
    return law.v if isinstance(law, Delta) else pyro.sample("concentration", law)


def sample_images(networks: Networks, means: Tensor, images: Tensor) -> None:
    """Codes around these means, then pixels."""
    code = pyro.sample("code", Normal(means, 1.0).to_event(1))
    pixels = Bernoulli(logits=networks.decode(code)).to_event(1)
    pyro.sample("pixels", pixels, obs=images)


@contextmanager
def per_component(component: Tensor) -> Iterator[None]:
    """A plate over the components; they count in proportion to their probabilities."""
    shares = component.transpose(-1, -2).clamp(min=torch.finfo(component.dtype).tiny)
    plate = pyro.plate("components", component.shape[-1], dim=COMPONENTS)
    with plate, poutine.scale(scale=shares):
        yield
