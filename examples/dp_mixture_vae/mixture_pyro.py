"""A Dirichlet-process mixture over the codes of a decoder, and its guide."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pyro
import torch
from pyro import poutine
from pyro.distributions import (
    Bernoulli,
    Beta,
    Delta,
    Distribution,
    Gamma,
    Normal,
    OneHotCategorical,
)
from torch import Tensor, nn
from torch.nn.functional import relu

from examples.dp_mixture_vae.components import nearest_gaussian, start_of_sticks
from examples.dp_mixture_vae.options import MixtureOptions
from pyro_igr import GEM, ExpectedOneHotCategorical, InfiniteIGR, Kumaraswamy

TINY = torch.finfo(torch.float32).tiny
IMAGES, COMPONENTS = -1, -2


def make_prior(family: str, concentration: Tensor, num_sticks: int) -> Distribution:
    """The stick-breaking prior of a Dirichlet process."""
    if family == "igr-sb":
        return GEM(concentration, num_sticks)
    sticks = concentration.new_ones(num_sticks)
    return Beta(sticks, concentration * sticks).to_event(1)


def make_posterior(
    family: str, parameters: Tensor, concentration: Tensor, start: float
) -> Distribution:
    """The distribution of sticks with these parameters, the prior at zero.

    Args:
        family: "igr-sb" or "dldpmm".
        parameters: With shape `batch + (2, num_sticks)`.
        concentration: Of the prior.
        start: The concentration that zero parameters mean.
    """
    first, second = parameters.unbind(-2)
    if family == "igr-sb":
        loc, scale, _ = nearest_gaussian(start)
        tail = GEM(concentration, 1)
        return InfiniteIGR(None, loc + first, scale * second.exp(), 1.0, tail=tail)
    return Kumaraswamy(first.exp(), start * second.exp()).to_event(1)


def sample_weights(sticks: Distribution) -> Tensor:
    """Weights from the site "sticks", whose value may be the sticks themselves."""
    return to_weights(sticks, pyro.sample("sticks", sticks))


def to_weights(sticks: Distribution, value: Tensor) -> Tensor:
    """The weights that a value of the sticks stands for, none of them zero."""
    if isinstance(sticks, GEM | InfiniteIGR):
        return value.clamp(min=TINY)
    log_left = torch.log1p(-value.clamp(max=1 - 1e-6)).cumsum(-1)
    none = torch.zeros_like(log_left[..., :1])
    left = torch.cat([none, log_left], -1).exp()
    used = torch.cat([value, torch.ones_like(none)], -1)
    return (left * used).clamp(min=TINY)


class Networks(nn.Module):
    """Encoder, decoder, sticks and the means of the components.

    The components that no stick is given to yet, the rest, share the mean zero, and so
    does a component that is added. The encoder knows a component by its mean, so that
    it has nothing to learn of one that is added.

    Args:
        options: The sizes and the families.
        num_pixels: Of an image.
    """

    def __init__(self, options: MixtureOptions, num_pixels: int) -> None:
        super().__init__()
        self.options, latent = options, options.latent_dim
        *first, last = options.encoder
        num_features = (num_pixels, *first)[-1]
        self.features = make_network(num_pixels, *first, is_inner=True)
        self.scores = nn.Linear(num_features, latent)
        self.hidden = nn.Linear(num_features, last)
        self.hidden_of_mean = nn.Linear(latent, last, bias=False)
        self.code = nn.Linear(last, 2 * latent)
        self.decode = make_network(latent, *options.decoder, num_pixels)
        self.log_concentration = nn.Parameter(torch.zeros(2))
        sticks = start_of_sticks(
            options.family, options.concentration, options.num_sticks
        )
        self.breaks = nn.Parameter(torch.from_numpy(sticks))
        of_image = torch.randn(*sticks.shape, num_features) / num_features**0.5
        self.breaks_of_image = nn.Parameter(of_image * options.has_own_weights)
        means = torch.randn(options.num_means, latent)
        self.means = nn.Parameter(options.spread * means)

    @property
    def num_sticks(self) -> int:
        """The number of sticks, which grows."""
        return self.breaks.shape[-1]

    def all_means(self) -> Tensor:
        """The means of the components, that of the rest last."""
        if self.options.family == "dldpmm":
            return self.means
        return torch.cat([self.means, torch.zeros_like(self.means[:1])])

    def make_prior(self, concentration: Tensor) -> Distribution:
        """The prior of the sticks."""
        return make_prior(self.options.family, concentration, self.num_sticks)

    def encode_concentration(self, prior: Distribution) -> Distribution:
        """The guide's concentration, which is the prior at the start."""
        if isinstance(prior, Delta):
            return prior
        concentration, rate = self.log_concentration.exp()
        return Gamma(prior.concentration * concentration, prior.rate * rate)

    def encode_sticks(self, features: Tensor, concentration: Tensor) -> Distribution:
        """The guide's sticks, given the images if these have sticks of their own."""
        parameters = self.breaks
        if self.options.has_own_weights:
            of_image = torch.einsum("...h,pnh->...pn", features, self.breaks_of_image)
            parameters = parameters + of_image
        family, start = self.options.family, self.options.concentration
        return make_posterior(family, parameters, concentration, start)

    def encode_component(self, features: Tensor, weights: Tensor) -> Tensor:
        """The logits of the components, given the images and the weights."""
        if self.options.has_own_weights:
            return weights.log()
        means = self.all_means()
        return weights.log() + self.scores(features) @ means.T - (means**2).sum(-1) / 2

    def encode_code(self, features: Tensor, means: Tensor) -> Distribution:
        """The guide's codes, given the images and the means of components."""
        hidden = relu(self.hidden(features) + self.hidden_of_mean(means))
        offset, log_scale = self.code(hidden).chunk(2, -1)
        return Normal(means + offset, log_scale.exp()).to_event(1)


def make_network(*sizes: int, is_inner: bool = False) -> nn.Sequential:
    """Linear maps from size to size, with rectifiers in between, or after each."""
    layers = [
        module for pair in pairwise(sizes) for module in (nn.Linear(*pair), nn.ReLU())
    ]
    return nn.Sequential(*(layers if is_inner else layers[:-1]))


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
            features = networks.features(images)
            sticks = networks.encode_sticks(features, concentration)
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
