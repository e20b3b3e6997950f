"""A Dirichlet-process mixture VAE, whose components are inferred, in NumPyro.

The prior of the codes is an infinite mixture with the weights of a Dirichlet process.
Sticks are doubled during training, when samples of the weights or splits need more;
components are split, merged and deleted if that raises the bound of held-out images.

    python -m examples.dp_mixture_vae.vae_numpyro
    python -m examples.dp_mixture_vae.vae_numpyro --dataset mnist-5k --num-epochs 40
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Sequence
from functools import cache, partial
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, random
from numpy.typing import NDArray
from numpyro.distributions import Delta, Distribution, Gamma
from numpyro.infer import SVI, RenyiELBO, TraceMeanField_ELBO
from numpyro.infer.svi import SVIState
from numpyro.optim import Adam
from tqdm import tqdm, trange

from examples.dp_mixture_vae.mixture_numpyro import Mixture, MixtureOfOne
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.report import (
    Growth,
    MixtureResult,
    Record,
    Usage,
    format_report,
    neighbor_errors,
    save_figures,
)
from examples.dp_mixture_vae.revision_numpyro import (
    concentration_of,
    double_sticks,
    draw_codes,
    draw_usage,
    judge_components,
    split_components,
    trained_networks,
    wanted_sticks,
)
from examples.harness.run import LogLikelihood, keeping, run
from examples.harness.training_numpyro import (
    IMAGES_AT_ONCE,
    bounds,
    evaluate,
    initialize,
    open_device,
    pack,
    surroundings,
    train_epoch,
    unpack,
)
from examples.images.datasets import BinaryImages, load_binary_images, load_labels
from numpyro_igr import assert_analytic_kl

NUM_DRAWS, NUM_SAMPLES = 100, 7


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


def grow_as_asked(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    prior: Distribution,
    images: Array,
    key: Array,
) -> SVIState:
    """Doubles the sticks as often as draws for these images ask for."""
    if options.family != "igr-sb":
        return state
    params, rates = svi.get_params(state), (options.max_overflow, options.rho)
    wanted = wanted_sticks(options.of_model(), params, prior, images, *rates, key)
    return double_sticks(svi, state, wanted)


def fit(
    options: MixtureOptions,
    svi: SVI,
    prior: Distribution,
    images: Array,
    validation: Array,
    key: Array,
) -> tuple[SVIState, Record]:
    """Trains for the epochs that are left, with checkpoints; returns the record too."""
    batch = images[: options.batch_size]
    with keeping(options, surroundings(images)) as kept:
        state = initialize(svi, prior, batch, key)
        fresh = as_arrays(Record()), state
        arrays, state = kept.restore(partial(unpack, fresh), fresh)
        record = Record.from_lists(*(x.tolist() for x in arrays))
        epochs = trange(kept.epochs_done, options.num_epochs, disable=None)
        for epoch in epochs:
            keys = random.split(random.fold_in(key, epoch + 1), 5)
            state = grow_as_asked(options, svi, state, prior, batch, keys[0])
            state, elbo = train_epoch(
                svi, prior, images, options.batch_size, state, keys[1]
            )
            splits = images, validation, keys[3:]
            state = revise(options, svi, state, prior, *splits, record, epoch + 1)
            params = svi.get_params(state)
            usage = draw_usage(
                options.of_model(), params, prior, validation, options.rho, 1, keys[2]
            )
            record.growth.append(measure_growth(options, params, usage))
            used = f"{record.growth[-1].used} components used"
            epochs.set_postfix_str(f"ELBO {elbo:.2f}, {used}")
            kept.save_if_due(epoch + 1, partial(pack, (as_arrays(record), state)))
    record.warn_if_growing()
    return state, record


def as_arrays(record: Record) -> list[NDArray[np.floating]]:
    """What a checkpoint has of a record."""
    return [np.array(each) for each in record.to_lists()]


def revise(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    prior: Distribution,
    images: Array,
    validation: Array,
    keys: Array,
    record: Record,
    num_epochs: int,
) -> SVIState:
    """Judges and splits components, if that is due after so many epochs."""
    if options.judges_after(num_epochs):
        data, rest = (prior, images), (keys[0], record.tried, num_epochs)
        state, found = judge_components(options, svi, state, *data, validation, *rest)
        record.add(found)
        if options.splits_after(num_epochs) and not record.is_settled:
            state, tried = split_components(options, svi, state, *data, found, keys[1])
            record.tried.extend(tried)
    return state


def measure_growth(
    options: MixtureOptions, params: dict[str, Any], usage: Usage
) -> Growth:
    """The number of components, by what the guide says of some images."""
    return Growth.from_usage(usage, params["breaks"].shape[-1], options.family)


class Trained(NamedTuple):
    """Trained networks, and the images: to train on, to choose by, to report on."""

    objectives: Objectives
    params: dict[str, Any]
    prior: Distribution
    record: Record
    shape: tuple[int, int]
    images: Array
    validation: Array
    test: Array
    key: Array
    seconds: float


def learn(options: MixtureOptions, data: BinaryImages) -> Trained:
    """Train on the images."""
    device = open_device(options.device)
    shape, *splits = data
    images, validation, test = (jax.device_put(split, device) for split in splits)
    key = jax.device_put(random.PRNGKey(options.seed), device)
    objectives = make_objectives(
        options.of_model(),
        len(images),
        options.learning_rate,
        options.num_importance_samples,
    )
    svi, prior = objectives.training, make_prior(options)
    assert_analytic_kl(svi.model, svi.guide, images[:1], prior)
    start = perf_counter()
    state, record = fit(options, svi, prior, images, validation, key)
    params = jax.block_until_ready(svi.get_params(state))
    seconds = perf_counter() - start
    key = random.fold_in(key, len(record.growth) + 1)
    splits = images, validation, test
    return Trained(objectives, params, prior, record, shape, *splits, key, seconds)


@partial(jax.jit, static_argnames=("options", "num_pixels", "num_samples"))
def decode(
    options: MixtureOptions,
    params: dict[str, Any],
    num_pixels: int,
    num_samples: int,
    key: Array,
) -> Array:
    """The pixels of the mean of each component, and of samples from it."""
    networks = trained_networks(options, params, num_pixels)
    means = networks.all_means()[:, None]
    noise = random.normal(key, (len(means), num_samples, means.shape[-1]))
    codes = jnp.concatenate([means, means + noise], 1)
    return jax.nn.sigmoid(networks.decode(codes))


def log_likelihoods(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> NDArray[np.floating]:
    """The importance-weighted bound of each image, one by one, with a progress bar."""
    found = []
    with tqdm(total=len(images), unit=" test images", disable=None) as progress:
        for start in range(0, len(images), IMAGES_AT_ONCE):
            chunk = images[start : start + IMAGES_AT_ONCE]
            keys = random.fold_in(key, start)
            found.append(np.asarray(bounds(svi, prior, chunk, params, keys)))
            progress.update(len(chunk))
    return np.concatenate(found)


def train(options: MixtureOptions) -> MixtureResult:
    """Train, score and draw a mixture VAE.

    ValueError or OSError say which file, option or device is of no use.
    """
    start = perf_counter()
    objectives, params, prior, record, shape, *splits, key, seconds = learn(
        options, load_binary_images(options)
    )
    images, validation, test = splits
    trained = params, key
    elbos = [evaluate(objectives.bound, prior, x, *trained) for x in (validation, test)]
    weighted = log_likelihoods(objectives.log_likelihood, prior, test, *trained)
    model, draws = (options.of_model(), params, prior), (options.rho, NUM_DRAWS, key)
    usage = draw_usage(*model, test, *draws)
    codes = draw_codes(*model, images, *draws)
    labels, test_labels = load_labels(options)
    if options.figures:
        sizes = images.shape[-1], NUM_SAMPLES
        decoded = np.asarray(decode(options.of_model(), params, *sizes, key))
        drawn = usage, record, np.asarray(test), decoded, options.seed
        save_figures(options.figure, shape, *drawn)
    return MixtureResult(
        *elbos,
        LogLikelihood.from_bounds(weighted),
        usage,
        record,
        measure_growth(options, params, usage),
        neighbor_errors(codes, labels, usage.codes, test_labels),
        float(concentration_of(options.of_model(), params, prior, images)),
        seconds,
        perf_counter() - start,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/dp_mixture_vae_numpyro"
    run(MixtureOptions, train, format_report, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
