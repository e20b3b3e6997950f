"""A variational autoencoder of images with discrete codes, in Pyro.

The code of an image is a set of categorical variables. A relaxed distribution lets
gradients through them while training; the model that counts is the discrete one
behind it.

    python -m examples.discrete_vae.vae_pyro
    python -m examples.discrete_vae.vae_pyro --family igr-sb --estimator discrete-kl
    python -m examples.discrete_vae.vae_pyro --dataset mnist --architecture 512-256
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import NamedTuple

import pyro
import torch
from pyro import poutine
from pyro.distributions import Bernoulli, Distribution
from pyro.infer import SVI, Trace_ELBO
from pyro.optim import Adam, PyroOptim
from torch import Tensor, nn
from tqdm import trange

from examples.discrete_vae.codes_pyro import (
    make_discrete,
    make_elbo,
    make_posterior,
    make_prior,
    sample_code,
)
from examples.discrete_vae.options import ESTIMATORS, Options, Sizes
from examples.discrete_vae.report import (
    NUM_COLUMNS,
    NUM_ROWS,
    Result,
    Scores,
    format_report,
    save_pictures,
)
from examples.discrete_vae.scores_pyro import code_probs, decode, draw, weigh
from examples.harness.run import keeping, run
from examples.harness.training_pyro import (
    VECTORIZED,
    evaluate,
    open_device,
    pack,
    seed_epoch,
    surroundings,
    train_epoch,
    unpack,
)
from examples.images.datasets import load_binary_images
from pyro_igr import assert_analytic_kl, discretize, straight_through

NUM_SAMPLES = 10


class DiscreteVAE(nn.Module):
    """The model of the images and the guide to their codes.

    Args:
        sizes: Of the networks.
        is_straight_through: Whether the decoder sees one-hot codes, with the gradient
            of relaxed ones.
    """

    def __init__(self, sizes: Sizes, *, is_straight_through: bool = False) -> None:
        super().__init__()
        self.sizes, self.is_straight_through = sizes, is_straight_through
        inner = sizes.num_pixels, *sizes.hidden
        self.encoder = make_network(*inner, math.prod(sizes.parameters))
        self.decoder = make_network(math.prod(sizes.code), *reversed(inner))

    def model(self, images: Tensor, prior: Distribution) -> Tensor:
        """Codes from the prior, then pixels; returns the means of the pixels."""
        pyro.module("decoder", self.decoder)
        with pyro.plate("images", len(images)), poutine.scale(scale=1 / len(images)):
            code = sample_code(prior)
            code = straight_through(code) if self.is_straight_through else code
            logits = self.decoder(code.flatten(-2))
            pyro.sample("pixels", Bernoulli(logits=logits).to_event(1), obs=images)
        return logits.sigmoid()

    def guide(self, images: Tensor, prior: Distribution) -> None:
        """Codes from the prior's family, with encoded parameters."""
        pyro.module("encoder", self.encoder)
        with pyro.plate("images", len(images)), poutine.scale(scale=1 / len(images)):
            parameters = self.encoder(images).unflatten(-1, self.sizes.parameters)
            sample_code(make_posterior(prior, parameters))


def make_network(*sizes: int) -> nn.Sequential:
    """Linear maps from size to size, with rectifiers in between."""
    layers = [
        module for pair in pairwise(sizes) for module in (nn.Linear(*pair), nn.ReLU())
    ]
    return nn.Sequential(*layers[:-1])


class Objectives(NamedTuple):
    """What to train, and what to score: a model, a guide and an ELBO each."""

    training: SVI
    relaxed: SVI
    discrete: SVI


def make_objectives(
    vae: DiscreteVAE, optimizer: PyroOptim, estimator: str, num_samples: int
) -> Objectives:
    """The objectives of a network; the scores are averaged over ten samples."""
    discrete = discretize(vae.model), discretize(vae.guide)
    is_discrete = ESTIMATORS[estimator].is_discrete
    trained = discrete if is_discrete else (vae.model, vae.guide)
    training, relaxed = (make_elbo(estimator, n) for n in (num_samples, NUM_SAMPLES))
    scored = Trace_ELBO(num_particles=NUM_SAMPLES, **VECTORIZED)
    return Objectives(
        training=SVI(*trained, optimizer, training),
        relaxed=SVI(*trained, optimizer, relaxed),
        discrete=SVI(*discrete, optimizer, scored),
    )


def fit(
    options: Options,
    vae: DiscreteVAE,
    svi: SVI,
    prior: Distribution,
    images: Tensor,
    validation: Tensor,
) -> int:
    """Trains for the epochs that are left, with checkpoints; returns all epochs."""
    with keeping(options, surroundings(images)) as kept:
        kept.restore(partial(unpack, vae, svi.optim), None)
        epochs = trange(kept.epochs_done, options.num_epochs, disable=None)
        for epoch in epochs:
            seed_epoch(options.seed, epoch + 1)
            elbo = train_epoch(svi, prior, images, options.batch_size)
            held_out = evaluate(svi, prior, validation)
            epochs.set_postfix_str(f"ELBO {elbo:.2f}, of validation {held_out:.2f}")
            kept.save_if_due(epoch + 1, partial(pack, vae, svi.optim))
    return kept.num_epochs


class Trained(NamedTuple):
    """A trained model and guide, and the images that it has not seen."""

    objectives: Objectives
    prior: Distribution
    shape: tuple[int, int]
    validation: Tensor
    test: Tensor
    num_epochs: int


def learn(options: Options) -> Trained:
    """Load the images and train on them."""
    device = open_device(options.device)
    shape, *splits = load_binary_images(options)
    images, validation, test = (torch.from_numpy(split).to(device) for split in splits)
    pyro.clear_param_store()
    seed_epoch(options.seed, 0)
    is_straight_through = options.estimator == "straight-through"
    sizes = options.sizes(math.prod(shape))
    vae = DiscreteVAE(sizes, is_straight_through=is_straight_through).to(device)
    optimizer = Adam({"lr": options.learning_rate})
    choice = options.estimator, options.num_samples
    objectives = make_objectives(vae, optimizer, *choice)
    svi, prior = objectives.training, make_prior(options, device)
    if ESTIMATORS[options.estimator].is_discrete:
        prior = make_discrete(prior)
    if options.estimator == "analytic-kl":
        assert_analytic_kl(svi.model, svi.guide, images[:1], prior)
    num_epochs = fit(options, vae, svi, prior, images, validation)
    seed_epoch(options.seed, num_epochs + 1)
    return Trained(objectives, prior, shape, validation, test, num_epochs)


def train(options: Options) -> Result:
    """Train, score and draw a discrete VAE.

    ValueError or OSError say which file, option or device is of no use.
    """
    start = perf_counter()
    objectives, prior, shape, validation, test, num_epochs = learn(options)
    of_test = make_discrete(prior), test
    scores = [
        Scores(
            evaluate(objectives.relaxed, prior, images),
            evaluate(objectives.discrete, make_discrete(prior), images),
        )
        for images in (validation, test)
    ]
    evaluation_start = perf_counter()
    weights = weigh(objectives.discrete, *of_test, options.num_importance_samples)
    evaluation_seconds = perf_counter() - evaluation_start
    probs = code_probs(objectives.discrete.guide, *of_test).numpy(force=True)
    of_run = num_epochs, perf_counter() - start, evaluation_seconds
    result = Result.of(*scores, weights, probs, *of_run)
    if options.figures:
        few, of_model = test[:NUM_ROWS], (objectives.discrete, of_test[0])
        rows = draw(*of_model, test[:NUM_COLUMNS])
        decoded = partial(decode, *of_model, few)
        of_few = few.numpy(force=True), probs, decoded, result.pareto_k
        save_pictures(options.figures, shape, rows, *of_few)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/discrete_vae_pyro"
    run(Options, train, format_report, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
