"""A variational autoencoder of images with discrete codes, in NumPyro.

The code of an image is a set of categorical variables. A relaxed law lets gradients
through them while training; the model that counts is the discrete one behind it.

    python -m examples.discrete_vae.vae_numpyro
    python -m examples.discrete_vae.vae_numpyro --law igr-sb --estimator discrete-kl
    python -m examples.discrete_vae.vae_numpyro --dataset mnist --architecture 512-256
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import interruption

    interruption.end_in_one_line()

import io
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array, lax, random
from jax.example_libraries import stax
from numpyro import handlers
from numpyro.distributions import Bernoulli, Distribution
from numpyro.infer import SVI, RenyiELBO, Trace_ELBO
from numpyro.infer.svi import SVIState
from numpyro.optim import Adam
from tqdm import trange

from examples.discrete_vae.code_usage import dead_categories
from examples.discrete_vae.codes_numpyro import (
    make_discrete,
    make_posterior,
    make_prior,
    sample_code,
)
from examples.discrete_vae.estimators import ESTIMATORS
from examples.discrete_vae.estimators_numpyro import make_elbo
from examples.discrete_vae.options import Options, Sizes
from examples.discrete_vae.pictures_numpyro import save_pictures
from examples.discrete_vae.report import LogLikelihood, Result, Scores, format_report
from examples.harness.evaluation_numpyro import (
    bounds_with_progress,
    code_probs,
    evaluate,
)
from examples.harness.resuming import keeping
from examples.harness.run import run
from examples.images.binary_images import digest, load_binary_images
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
        with per_image(images):
            code = sample_code(prior)
            code = straight_through(code) if self.is_straight_through else code
            logits = decoder(code.reshape(shape))
            numpyro.sample("pixels", Bernoulli(logits=logits).to_event(1), obs=images)
        return jax.nn.sigmoid(logits)

    def guide(self, images: Array, prior: Distribution) -> None:
        """Codes from laws of the prior's family, with encoded parameters."""
        encoder = numpyro.module("encoder", self.encoder, images.shape)
        with per_image(images):
            parameters = encoder(images).reshape(-1, *self.sizes.parameters)
            sample_code(make_posterior(prior, parameters))


def make_network(*sizes: int) -> tuple[Callable, Callable]:
    """Linear maps to size after size, with rectifiers in between."""
    layers = [layer for size in sizes for layer in (stax.Dense(size), stax.Relu)]
    return stax.serial(*layers[:-1])


@contextmanager
def per_image(images: Array) -> Iterator[None]:
    """A plate over the images, scaled so that the ELBO is a mean over them."""
    n = len(images)
    with numpyro.plate("images", n), handlers.scale(scale=1 / n):
        yield


class Objectives(NamedTuple):
    """What to train, and what to score: a model, a guide and an ELBO each."""

    training: SVI
    relaxed: SVI
    discrete: SVI
    log_likelihood: SVI


@cache
def make_objectives(
    sizes: Sizes,
    learning_rate: float,
    estimator: str,
    num_samples: int,
    num_importance_samples: int,
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
    weighted = RenyiELBO(alpha=0, num_particles=num_importance_samples)
    return Objectives(
        training=SVI(*trained, optimizer, training),
        relaxed=SVI(*trained, optimizer, relaxed),
        discrete=SVI(*discrete, optimizer, Trace_ELBO(num_particles=NUM_SAMPLES)),
        log_likelihood=SVI(*discrete, optimizer, weighted),
    )


@partial(jax.jit, static_argnames="svi")
def initialize(svi: SVI, prior: Distribution, images: Array, key: Array) -> SVIState:
    """The state before the first step, in the types of the states that follow."""
    state = svi.init(key, images, prior)
    return jax.tree.map(lambda leaf: lax.convert_element_type(leaf, leaf.dtype), state)


@partial(jax.jit, static_argnames=("svi", "batch_size"))
def train_epoch(
    svi: SVI,
    prior: Distribution,
    images: Array,
    batch_size: int,
    state: SVIState,
    key: Array,
) -> tuple[SVIState, Array]:
    """Steps through the shuffled images in whole batches; returns the mean ELBO."""
    whole = len(images) // batch_size * batch_size
    batches = random.permutation(key, len(images))[:whole].reshape(-1, batch_size)
    state, losses = lax.scan(
        lambda state, batch: svi.update(state, images[batch], prior), state, batches
    )
    return state, -losses.mean()


def score(
    objectives: Objectives,
    prior: Distribution,
    images: Array,
    params: dict[str, Any],
    key: Array,
) -> Scores:
    """The objective of the images, and their ELBO with one-hot codes."""
    relaxed = evaluate(objectives.relaxed, prior, images, params, key)
    prior = make_discrete(prior)
    discrete = evaluate(objectives.discrete, prior, images, params, key)
    return Scores(relaxed, discrete)


def pack(state: SVIState) -> bytes:
    """What a run needs to continue, as bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, *jax.tree.leaves(state))
    return buffer.getvalue()


def unpack(state: SVIState, packed: bytes) -> SVIState:
    """Restores what was packed, given a fresh state."""
    with np.load(io.BytesIO(packed)) as arrays:
        leaves = [*arrays.values()]
    if [x.shape for x in leaves] != [x.shape for x in jax.tree.leaves(state)]:
        raise ValueError("arrays of other shapes")
    restored = jax.tree.unflatten(jax.tree.structure(state), leaves)
    sharding = jax.tree.map(lambda leaf: leaf.sharding, state)
    return jax.device_put(restored, sharding)


def open_device(name: str | None) -> jax.Device:
    """The first device of that platform; ValueError if it cannot be used."""
    try:
        return jax.devices(name)[0]
    except RuntimeError as error:
        raise ValueError(f"cannot use --device {name}: {error}") from error


def surroundings(images: Array) -> dict[str, str]:
    """What a run on these images depends on beside its options, by name."""
    return {
        "device": images.device.platform,
        "precision": jnp.zeros(()).dtype.name,
        "training_images": digest(np.asarray(images)),
    }


def fit(
    options: Options,
    svi: SVI,
    prior: Distribution,
    images: Array,
    validation: Array,
    key: Array,
) -> tuple[SVIState, int]:
    """Trains for the epochs that are left, with checkpoints; returns all epochs too."""
    with keeping(options, "numpyro", surroundings(images)) as kept:
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
    objectives = make_objectives(
        options.sizes(math.prod(shape)),
        options.learning_rate,
        options.estimator,
        options.num_samples,
        options.num_importance_samples,
    )
    svi, prior = objectives.training, make_prior(options)
    if ESTIMATORS[options.estimator].is_discrete:
        prior = make_discrete(prior)
    if options.estimator == "analytic-kl":
        assert_analytic_kl(svi.model, svi.guide, images[:1], prior)
    state, num_epochs = fit(options, svi, prior, images, validation, key)
    of_state = svi.get_params(state), random.fold_in(key, num_epochs + 1)
    return Trained(objectives, prior, shape, validation, test, *of_state, num_epochs)


def train(options: Options) -> Result:
    """Train, score and draw a discrete VAE.

    Args:
        options: What to train and how.

    Returns:
        The scores, and the time that it took.

    Raises:
        ValueError: If the data, the checkpoint or the device is of no use.
        OSError: If a file is missing or cannot be written.
    """
    start = perf_counter()
    objectives, prior, shape, *splits, params, key, num_epochs = learn(options)
    validation, test = splits
    scores = [score(objectives, prior, x, params, key) for x in (validation, test)]
    of_test = make_discrete(prior), test, params, key
    evaluation_start = perf_counter()
    bounds = bounds_with_progress(objectives.log_likelihood, *of_test)
    evaluation_seconds = perf_counter() - evaluation_start
    probs = np.asarray(code_probs(objectives.discrete, *of_test))
    if options.figures:
        save_pictures(options.figures, shape, objectives.discrete, *of_test)
    return Result(
        *scores,
        LogLikelihood.from_bounds(bounds),
        dead_categories(probs),
        num_epochs,
        perf_counter() - start,
        evaluation_seconds,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/discrete_vae_numpyro"
    run(Options, train, format_report, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
