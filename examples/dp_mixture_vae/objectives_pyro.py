"""What a mixture VAE trains and is scored by, and the prior of its concentration."""

from typing import NamedTuple

import torch
from pyro.distributions import Delta, Distribution, Gamma
from pyro.infer import SVI, RenyiELBO, TraceMeanField_ELBO
from pyro.optim import PyroOptim

from examples.dp_mixture_vae.mixture_pyro import Mixture, MixtureOfOne
from examples.dp_mixture_vae.networks_pyro import Networks
from examples.dp_mixture_vae.options import MixtureOptions


class Objectives(NamedTuple):
    """What to train, and what to score."""

    training: SVI
    bound: SVI
    log_likelihood: SVI


def make_objectives(
    networks: Networks,
    num_images: int,
    optimizer: PyroOptim,
    num_importance_samples: int,
) -> Objectives:
    """The objectives of a mixture; the bound to report is averaged over ten samples."""
    one, all_of = MixtureOfOne(networks), Mixture(networks, num_images)
    pair = all_of.model, all_of.guide
    weighted = RenyiELBO(
        alpha=0,
        num_particles=num_importance_samples,
        vectorize_particles=True,
        max_plate_nesting=1,
    )
    return Objectives(
        training=SVI(*pair, optimizer, TraceMeanField_ELBO()),
        bound=SVI(*pair, optimizer, TraceMeanField_ELBO(num_particles=10)),
        log_likelihood=SVI(one.model, one.guide, optimizer, weighted),
    )


def make_prior(options: MixtureOptions, device: torch.device) -> Distribution:
    """The prior of the concentration: known, or a Gamma distribution of that mean."""
    concentration = torch.tensor(options.concentration, device=device)
    if options.learn_concentration:
        return Gamma(concentration, torch.ones_like(concentration))
    return Delta(concentration)
