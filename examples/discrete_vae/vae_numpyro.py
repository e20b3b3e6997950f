"""A variational autoencoder of images with discrete codes, in NumPyro.

The code of an image is a set of categorical variables. A relaxed distribution lets
gradients through them while training; the model that counts is the discrete one
behind it.

    python -m examples.discrete_vae.vae_numpyro
    python -m examples.discrete_vae.vae_numpyro --family igr-sb --estimator discrete-kl
    python -m examples.discrete_vae.vae_numpyro --dataset mnist --architecture 512-256
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from time import perf_counter
from typing import Any, NamedTuple

import jax
import numpy as np
import numpyro
from jax import Array, random
from jax.example_libraries import stax
from numpyro import handlers
from numpyro.distributions import Bernoulli, Distribution
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.svi import SVIState
from numpyro.optim import Adam
from tqdm import trange

from examples.discrete_vae.codes_numpyro import (
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
from examples.discrete_vae.scores_numpyro import code_probs, decode, draw, weigh
from examples.harness.run import keeping, run
from examples.harness.training_numpyro import (
    evaluate,
    initialize,
    open_device,
    pack,
    surroundings,
    train_epoch,
    unpack,
)
from examples.images.datasets import load_binary_images
from numpyro_igr import (
    TraceRELAX_ELBO,
    assert_analytic_kl,
    discretize,
    straight_through,
)

NUM_SAMPLES = 10


class DiscreteVAE:
    """The model of the images and the guide to their codes.

    Args:
        sizes: Of the networks.
        is_straight_through: Whether the decoder sees one-hot codes, with the gradient
            of relaxed ones.
    """

    def __init__(self, sizes: Sizes, *, is_straight_through: bool = False) -> None:
        self.sizes, self.is_straight_through = sizes, is_straight_through
        self.encoder = make_network(*sizes.hidden, math.prod(sizes.parameters))
        self.decoder = make_network(*reversed(sizes.hidden), sizes.num_pixels)

    def model(self, images: Array, prior: Distribution) -> Array:
        """Codes from the prior, then pixels; returns the means of the pixels."""
        shape = len(images), math.prod(self.sizes.code)
        decoder = numpyro.module("decoder", self.decoder, shape)
        n = len(images)
        with numpyro.plate("images", n), handlers.scale(scale=1 / n):
            code = sample_code(prior)
            code = straight_through(code) if self.is_straight_through else code
            logits = decoder(code.reshape(shape))
            numpyro.sample("pixels", Bernoulli(logits=logits).to_event(1), obs=images)
        return jax.nn.sigmoid(logits)

    def guide(self, images: Array, prior: Distribution) -> None:
        """Codes from the prior's family, with encoded parameters."""
        encoder = numpyro.module("encoder", self.encoder, images.shape)
        n = len(images)
        with numpyro.plate("images", n), handlers.scale(scale=1 / n):
            parameters = encoder(images).reshape(-1, *self.sizes.parameters)
            sample_code(make_posterior(prior, parameters))


def make_network(*sizes: int) -> tuple[Callable, Callable]:
    """Linear maps to size after size, with rectifiers in between."""
    layers = [layer for size in sizes for layer in (stax.Dense(size), stax.Relu)]
    return stax.serial(*layers[:-1])


class Objectives(NamedTuple):
    """What to train, and what to score: a model, a guide and an ELBO each."""

    training: SVI
    relaxed: SVI
    discrete: SVI


@cache
def make_objectives(
    sizes: Sizes, learning_rate: float, estimator: str, num_samples: int
) -> Objectives:
    """The objectives of a network; the scores are averaged over ten samples.

    Equal arguments get the same objects, so that nothing is compiled twice.
    """
    vae = DiscreteVAE(sizes, is_straight_through=estimator == "straight-through")
    optimizer = Adam(learning_rate)
    discrete = discretize(vae.model), discretize(vae.guide)
    is_discrete = ESTIMATORS[estimator].is_discrete
    trained = discrete if is_discrete else (vae.model, vae.guide)
    training, relaxed = (make_elbo(estimator, n) for n in (num_samples, NUM_SAMPLES))
    if isinstance(training, TraceRELAX_ELBO):
        trained = vae.model, training.with_parameters(vae.guide)
    return Objectives(
        training=SVI(*trained, optimizer, training),
        relaxed=SVI(*trained, optimizer, relaxed),
        discrete=SVI(*discrete, optimizer, Trace_ELBO(num_particles=NUM_SAMPLES)),
    )


def fit(
    options: Options,
    svi: SVI,
    prior: Distribution,
    images: Array,
    validation: Array,
    key: Array,
) -> tuple[SVIState, int]:
    """Trains for the epochs that are left, with checkpoints; returns all epochs too."""
    with keeping(options, surroundings(images)) as kept:
        state = initialize(svi, prior, images[: options.batch_size], key)
        state = kept.restore(partial(unpack, state), state)
        epochs = trange(kept.epochs_done, options.num_epochs, disable=None)
        for epoch in epochs:
            keys = random.split(random.fold_in(key, epoch + 1))
            state, elbo = train_epoch(
                svi, prior, images, options.batch_size, state, keys[0]
            )
            held_out = evaluate(svi, prior, validation, svi.get_params(state), keys[1])
            epochs.set_postfix_str(f"ELBO {elbo:.2f}, of validation {held_out:.2f}")
            kept.save_if_due(epoch + 1, partial(pack, state))
    return state, kept.num_epochs


class Trained(NamedTuple):
    """A trained model and guide, and the images that it has not seen."""

    objectives: Objectives
    prior: Distribution
    shape: tuple[int, int]
    validation: Array
    test: Array
    params: dict[str, Any]
    key: Array
    num_epochs: int


def learn(options: Options) -> Trained:
    """Load the images and train on them."""
    device = open_device(options.device)
    shape, *splits = load_binary_images(options)
    images, validation, test = (jax.device_put(split, device) for split in splits)
    key = jax.device_put(random.PRNGKey(options.seed), device)
    choice = options.learning_rate, options.estimator, options.num_samples
    objectives = make_objectives(options.sizes(math.prod(shape)), *choice)
    svi, prior = objectives.training, make_prior(options)
    if ESTIMATORS[options.estimator].is_discrete:
        prior = make_discrete(prior)
    if options.estimator == "analytic-kl":
        check = partial(assert_analytic_kl, svi.model, svi.guide)
        jax.eval_shape(check, images[:1], prior)  # of the program, without numbers
    state, num_epochs = fit(options, svi, prior, images, validation, key)
    of_state = svi.get_params(state), random.fold_in(key, num_epochs + 1)
    return Trained(objectives, prior, shape, validation, test, *of_state, num_epochs)


def train(options: Options) -> Result:
    """Train, score and draw a discrete VAE.

    ValueError or OSError say which file, option or device is of no use.
    """
    start = perf_counter()
    objectives, prior, shape, *splits, params, key, num_epochs = learn(options)
    validation, test = splits
    of = params, key
    of_test = make_discrete(prior), test
    scores = [
        Scores(
            evaluate(objectives.relaxed, prior, images, *of),
            evaluate(objectives.discrete, make_discrete(prior), images, *of),
        )
        for images in (validation, test)
    ]
    evaluation_start = perf_counter()
    num_weights = options.num_importance_samples
    weights = weigh(objectives.discrete, *of_test, num_weights, *of)
    evaluation_seconds = perf_counter() - evaluation_start
    probs = np.asarray(code_probs(objectives.discrete.guide, *of_test, *of))
    of_run = num_epochs, perf_counter() - start, evaluation_seconds
    result = Result.of(*scores, weights, probs, *of_run)
    if options.figures:
        few, of_model = test[:NUM_ROWS], (objectives.discrete, of_test[0])
        rows = draw(*of_model, test[:NUM_COLUMNS], *of)
        decoded = partial(decode, *of_model, few, params)
        of_few = np.asarray(few), probs, decoded, result.pareto_k
        save_pictures(options.figures, shape, rows, *of_few)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/discrete_vae_numpyro"
    run(Options, train, format_report, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
