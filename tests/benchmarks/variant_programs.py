"""Variants of the recipe, a line or two each: what is trained, and at what."""

import math
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import NamedTuple

import numpyro
from numpyro import handlers
from numpyro.distributions import Bernoulli
from numpyro.infer import SVI
from numpyro.optim import Adam

from examples.discrete_vae.codes_numpyro import make_posterior, sample_code
from examples.discrete_vae.vae_numpyro import DiscreteVAE
from numpyro_igr import (
    TraceDiscreteIWAE_ELBO,
    TraceDiscreteKL_ELBO,
    TraceUnorderedSet_ELBO,
    recover,
    straight_through,
)
from tests.benchmarks.variant_codes import (
    LogOfMixture,
    NearestVertex,
    to_antithetic,
    to_reinmax,
    unchanged,
    with_learned_scales,
    with_learned_temperature,
)


class Phase(NamedTuple):
    """What some epochs train.

    Args:
        make_elbo: The objective.
        prior: What becomes of the codes of the model.
        posterior: What becomes of those of the guide.
        is_straight_through: Whether codes are one-hot in the decoder.
        num_codes: Of an image, in a plate of their own.
    """

    make_elbo: Callable = TraceDiscreteKL_ELBO
    prior: Callable = unchanged
    posterior: Callable = unchanged
    is_straight_through: bool = False
    num_codes: int = 1


class Variant(NamedTuple):
    """What a run trains.

    Args:
        phase: Its epochs.
        last: The last fifth of them, if that differs.
        batch_size: The images of a step.
        rate: The learning rate that falls to nothing.
        is_annealed: Whether the temperature falls from 1, by a factor an epoch.
        scored: What becomes of the codes of the guide that is scored.
        families: Those that it is for.
    """

    phase: Phase
    last: Phase | None = None
    batch_size: int = 100
    rate: float = 5e-3
    is_annealed: bool = False
    scored: Callable = unchanged
    families: tuple[str, ...] = ("igr-sb", "gumbel-softmax")


class VAE(DiscreteVAE):
    """The discrete VAE of the examples with the codes of a phase."""

    def __init__(self, sizes, phase):
        super().__init__(sizes, is_straight_through=phase.is_straight_through)
        self.phase = phase

    def model(self, images, prior):
        size = math.prod(self.sizes.code)
        decoder = numpyro.module("decoder", self.decoder, (len(images), size))
        with self._codes(images):
            code = sample_code(self.phase.prior(prior))
            code = straight_through(code) if self.is_straight_through else code
            logits = decoder(code.reshape(*code.shape[:-2], size))
            numpyro.sample("pixels", Bernoulli(logits=logits).to_event(1), obs=images)

    def guide(self, images, prior):
        encoder = numpyro.module("encoder", self.encoder, images.shape)
        parameters = encoder(images).reshape(-1, *self.sizes.parameters)
        code = self.phase.posterior(make_posterior(prior, parameters))
        with self._codes(images):
            sample_code(code)

    @contextmanager
    def _codes(self, images):
        n, m = len(images), self.phase.num_codes
        each = numpyro.plate("codes", m, dim=-2) if m > 1 else nullcontext()
        with numpyro.plate("images", n, dim=-1), handlers.scale(scale=1 / (n * m)):
            with each:
                yield


def make_svi(sizes, phase, rate):
    """What a phase trains."""
    vae = VAE(sizes, phase)
    return SVI(vae.model, vae.guide, Adam(rate), phase.make_elbo())


RECIPE = Phase()
SETS = Phase(partial(TraceUnorderedSet_ELBO, 4), prior=recover, posterior=recover)
FIVE = Phase(partial(TraceDiscreteKL_ELBO, 5))
WEIGHTS = Phase(partial(TraceDiscreteIWAE_ELBO, 5))
OF_MIXTURE = WEIGHTS._replace(prior=LogOfMixture, posterior=LogOfMixture)
OF_VERTEX = WEIGHTS._replace(prior=NearestVertex, posterior=NearestVertex)


STICKS = ("igr-sb",)
VARIANTS = {
    "the recipe": Variant(RECIPE),
    "temperature annealed from 1": Variant(RECIPE, is_annealed=True),
    "temperature learned": Variant(Phase(posterior=with_learned_temperature)),
    "scales learned": Variant(
        Phase(posterior=with_learned_scales),
        scored=with_learned_scales,
        families=STICKS,
    ),
    "batches of 20": Variant(RECIPE, batch_size=20),
    "twice the learning rate": Variant(RECIPE, rate=1e-2),
    "two codes": Variant(Phase(partial(TraceDiscreteKL_ELBO, 2))),
    "two antithetic codes": Variant(Phase(posterior=to_antithetic, num_codes=2)),
    "five codes": Variant(FIVE),
    "five codes, batches of 20": Variant(FIVE, batch_size=20),
    "straight-through": Variant(Phase(is_straight_through=True)),
    "straight-through at the end": Variant(RECIPE, Phase(is_straight_through=True)),
    "ReinMax at the end": Variant(
        RECIPE, Phase(prior=to_reinmax, posterior=to_reinmax)
    ),
    "sets": Variant(SETS),
    "sets at the end": Variant(RECIPE, SETS, families=STICKS),
    "weights, linear": Variant(WEIGHTS, families=STICKS),
    "weights, log of the mixture": Variant(OF_MIXTURE, families=STICKS),
    "weights, nearest vertex": Variant(OF_VERTEX, families=STICKS),
}
