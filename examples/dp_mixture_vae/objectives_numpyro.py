"""What a mixture VAE trains and is scored by, and the prior of its concentration."""

from functools import cache
from typing import NamedTuple

import jax.numpy as jnp
from numpyro.distributions import Delta, Distribution, Gamma
from numpyro.infer import SVI, RenyiELBO, TraceMeanField_ELBO
from numpyro.optim import Adam

from examples.dp_mixture_vae.mixture_numpyro import Mixture, MixtureOfOne
from examples.dp_mixture_vae.options import MixtureOptions


class Objectives(NamedTuple):
    """What to train, and what to score."""

    training: SVI
    bound: SVI
    log_likelihood: SVI


@cache
def make_objectives(
    options: MixtureOptions,
    num_images: int,
    learning_rate: float,
    num_importance_samples: int,
) -> Objectives:
    """The objectives of a mixture; the bound to report is averaged over ten samples.

    Equal arguments get the same objects, so that nothing is compiled twice.
    """
    optimizer = Adam(learning_rate)
    one, all_of = MixtureOfOne(options), Mixture(options, num_images)
    pair = all_of.model, all_of.guide
    weighted = RenyiELBO(alpha=0, num_particles=num_importance_samples)
    return Objectives(
        training=SVI(*pair, optimizer, TraceMeanField_ELBO()),
        bound=SVI(*pair, optimizer, TraceMeanField_ELBO(num_particles=10)),
        log_likelihood=SVI(one.model, one.guide, optimizer, weighted),
    )


def make_prior(options: MixtureOptions) -> Distribution:
    """The prior of the concentration: known, or a Gamma distribution of that mean."""
    concentration = jnp.array(options.concentration)
    if options.learn_concentration:
        return Gamma(concentration, jnp.ones_like(concentration))
    return Delta(concentration)
