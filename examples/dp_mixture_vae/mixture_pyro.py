"""A Dirichlet-process mixture over the codes of a decoder, and its guide."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyro
import torch
from pyro import poutine
from pyro.distributions import Bernoulli, Delta, Distribution, Normal, OneHotCategorical
from torch import Tensor

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.weights_pyro import sample_weights
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
                sticks = networks.make_prior(concentration)
                weights = sample_weights(sticks)
            with per_image:
                component = ExpectedOneHotCategorical(logits=weights.log())
                with per_component(pyro.sample("component", component)):
                    sample_images(networks, networks.all_means().unsqueeze(-2), images)

    def guide(self, images: Tensor, prior: Distribution) -> None:
        """The same with encoded parameters."""
        networks = pyro.module("networks", self.networks)
        share, per_image = self.scopes(images)
        features = networks.features(images)
        with poutine.scale(scale=1 / len(images)):
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
                with per_component(pyro.sample("component", component)):
                    means = networks.all_means().unsqueeze(-2)
                    pyro.sample("code", networks.encode_code(features, means))

    def scopes(self, images: Tensor) -> tuple[poutine.scale, pyro.plate]:
        """A scale of the batch's share of the data set, and a plate of its images."""
        share = poutine.scale(scale=len(images) / self.num_images)
        return share, pyro.plate("images", len(images), dim=IMAGES)


def sample_concentration(prior: Distribution) -> Tensor:
    """The concentration of the Dirichlet process, unless it is known."""
    return prior.v if isinstance(prior, Delta) else pyro.sample("concentration", prior)


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


class MixtureOfOne:
    """The model and the guide of a mixture, for the likelihood of single images.

    The weights of a new image are its own, from the prior, or those that all images
    share, as they have been learned: model and guide draw these from the same
    distribution, whose density cancels. The concentration is known: its mean.

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
            component = OneHotCategorical(logits=weights.log())
            means = pyro.sample("component", component) @ networks.all_means()
            sample_images(networks, means, images)

    def guide(self, images: Tensor, prior: Distribution) -> None:
        """The same with encoded parameters."""
        networks = pyro.module("networks", self.networks)
        features = networks.features(images)
        concentration = networks.encode_concentration(prior).mean
        sticks = networks.encode_sticks(features, concentration)
        per_image, weights = sample_weights_of(images, sticks, networks)
        with per_image:
            component = OneHotCategorical(
                logits=networks.encode_component(features, weights)
            )
            means = pyro.sample("component", component) @ networks.all_means()
            pyro.sample("code", networks.encode_code(features, means))


def sample_weights_of(
    images: Tensor, sticks: Distribution, networks: Networks
) -> tuple[pyro.plate, Tensor]:
    """A plate of the images, and their weights."""
    per_image = pyro.plate("images", len(images), dim=IMAGES)
    own = networks.options.has_own_weights
    with per_image if own else poutine.mask(mask=False):
        return per_image, sample_weights(sticks)
