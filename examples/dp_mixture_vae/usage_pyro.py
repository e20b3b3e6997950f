"""Which components images use, by draws from the guide."""

import torch
from pyro.distributions import Distribution
from torch import Tensor

from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.stick_laws_pyro import to_weights
from examples.dp_mixture_vae.usage import Usage
from examples.harness.evaluation_pyro import IMAGES_AT_ONCE
from pyro_igr import num_active


def draw_weights(
    networks: Networks, prior: Distribution, images: Tensor, num_draws: int = 100
) -> tuple[Distribution, Tensor]:
    """The law of the sticks, and weights: of each image, or draws of shared ones."""
    concentration = networks.encode_concentration(prior).mean
    law = networks.encode_sticks(networks.features(images), concentration)
    shape = () if networks.options.has_own_weights else (num_draws,)
    return law, to_weights(law, law.rsample(shape))


@torch.no_grad()
def draw_usage(
    networks: Networks, prior: Distribution, images: Tensor, rho: float, num_draws: int
) -> Usage:
    """What the guide says of some images, over so many draws of the weights."""
    parts = [
        _draw_usage(networks, prior, batch, rho, num_draws)
        for batch in images.split(IMAGES_AT_ONCE)
    ]
    return Usage.join([Usage(*(x.numpy(force=True) for x in part)) for part in parts])


def _draw_usage(
    networks: Networks, prior: Distribution, images: Tensor, rho: float, num_draws: int
) -> tuple[Tensor, Tensor, Tensor]:
    features = networks.features(images)
    law = networks.encode_sticks(features, networks.encode_concentration(prior).mean)
    weights = to_weights(law, law.rsample((num_draws,)))
    if not networks.options.has_own_weights:
        weights = weights.unsqueeze(-2)
    probs = networks.encode_component(features, weights).softmax(-1)
    codes = networks.encode_code(features, networks.all_means().unsqueeze(-2)).mean
    code = torch.einsum("nk,knd->nd", probs.mean(0), codes)
    return probs, num_active(weights, rho).expand(probs.shape[:-1]), code
