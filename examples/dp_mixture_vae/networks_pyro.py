"""Encoder, decoder and the components of a mixture VAE, whose number grows."""

from itertools import pairwise

import torch
from pyro.distributions import Delta, Distribution, Gamma, Normal
from torch import Tensor, nn
from torch.nn.functional import relu

from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.sticks import start_of_sticks
from examples.dp_mixture_vae.weights_pyro import make_posterior, make_prior


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
